// Requests and answers in every version of the protocol.
#include "sample_tools.hpp"

#include <fmt/ranges.h>

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::mcp;
using namespace holdfast::mcp::test;

namespace {

constexpr std::string_view k_list = R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})";
constexpr std::string_view k_ping = R"({"jsonrpc":"2.0","id":"p","method":"ping"})";

std::string spoken(Talk& talk, std::string_view version) {
  return std::string(talk.initialize(version).at("result").at("protocolVersion").as_string());
}

os::Completed ended(int exit_code, std::string out) { return {exit_code, false, std::move(out), ""}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(an_unknown_version_is_answered_with_the_newest) {
  for (const auto version : protocol_versions()) {
    Talk talk;
    BOOST_TEST(spoken(talk, version) == version);
  }
  for (const auto* version : {"2024-10-07", "2099-01-01", "", "x"}) {
    Talk talk;
    BOOST_TEST(spoken(talk, version) == protocol_versions().back());
  }
  BOOST_TEST(protocol_versions().front() == "2024-11-05");
  BOOST_TEST(protocol_versions().back() == "2025-11-25");
}

BOOST_AUTO_TEST_CASE(answers_use_only_fields_of_the_agreed_version) {
  const auto first_tool = [](std::string_view version) {
    Talk talk;
    (void)talk.initialize(version);
    return talk.ask(k_list).at("result").at("tools").at(0).as_object();
  };
  BOOST_TEST(!first_tool("2024-11-05").contains("annotations"));
  BOOST_TEST(first_tool("2025-03-26").contains("annotations"));
  BOOST_TEST(!first_tool("2025-03-26").contains("outputSchema"));
  BOOST_TEST(first_tool("2025-06-18").contains("outputSchema"));
  for (const auto& [version, structured] : {std::pair{"2025-03-26", false}, std::pair{"2025-11-25", true}}) {
    Talk talk;
    (void)talk.initialize(version);
    const auto started = talk.say(call("1", "look", "{}")).starts.at(0).call;
    const auto done = json::parse(talk.session.on_done(started, ended(0, "all")).lines.at(0)).as_object();
    BOOST_TEST(done.at("result").as_object().contains("structuredContent") == structured);
    BOOST_TEST(done.at("result").at("content").at(0).at("text") == R"({"said":"all"})");
  }
}

BOOST_AUTO_TEST_CASE(before_initialize_only_ping_is_answered) {
  Talk talk;
  BOOST_TEST(error_code(talk.ask(k_list)) == -32600);
  BOOST_TEST(error_code(talk.ask(call("2", "look", "{}"))) == -32600);
  BOOST_TEST(talk.ask(k_ping).at("result").as_object().empty());
  BOOST_TEST(error_code(talk.ask(R"({"jsonrpc":"2.0","id":3,"method":"server/discover"})")) == -32601);
  BOOST_TEST(error_code(talk.ask(R"({"jsonrpc":"2.0","id":3,"method":"initialize"})")) == -32602);
  BOOST_TEST(error_code(talk.ask(R"({"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":7}})")) ==
             -32602);
  (void)talk.initialize("2025-11-25");
  BOOST_TEST(talk.ask(k_list).contains("result"));
  BOOST_TEST(error_code(talk.initialize("2025-06-18")) == -32600);
}

BOOST_AUTO_TEST_CASE(an_invalid_message_is_refused_and_the_session_continues) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  const auto refused = [&](std::string_view line, std::int64_t code) {
    const auto answer = talk.ask(line);
    BOOST_TEST(error_code(answer) == code, line);
    return answer.at("id");
  };
  const std::string deep(100, '[');
  for (const auto* line : {"hello", "{", R"({"jsonrpc":"2.0")", "\xff\xfe", "{\"a\":\"\xc3\x28\"}", "nul", "1 2"})
    BOOST_TEST(refused(line, -32700).is_null());
  BOOST_TEST(refused(deep, -32700).is_null());
  for (const auto* line :
       {"7", "\"ping\"", "null", "{}", R"({"id":4,"method":"ping"})", R"({"jsonrpc":"1.0","id":4,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":4})", R"({"jsonrpc":"2.0","id":4,"method":7})",
        R"({"jsonrpc":"2.0","id":null,"method":"ping"})", R"({"jsonrpc":"2.0","id":[1],"method":"ping"})",
        R"({"jsonrpc":"2.0","id":{},"method":"x"})"})
    (void)refused(line, -32600);
  BOOST_TEST(refused(R"({"jsonrpc":"2.0","id":4,"method":7})", -32600) == 4);
  BOOST_TEST(refused(R"({"jsonrpc":"2.0","id":"x","method":"no/such"})", -32601) == "x");
  BOOST_TEST(refused(R"({"jsonrpc":"2.0","id":4,"method":"ping","params":[1]})", -32602) == 4);
  for (const auto* params : {R"({})", R"({"name":7})", R"({"name":"fly"})", R"({"name":"look","arguments":[]})",
                             R"({"name":"look","arguments":"port"})"})
    (void)refused(fmt::format(R"({{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{}}})", params), -32602);
  (void)refused(R"({"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"cursor":"x"}})", -32602);
  BOOST_TEST(talk.session.on_overlong_line(5).lines.size() == 1U);
  BOOST_TEST(talk.ask(k_ping).contains("result"));
}

BOOST_AUTO_TEST_CASE(notifications_and_responses_get_no_answer) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  for (const auto* line :
       {"", "  ", R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
        R"({"jsonrpc":"2.0","method":"no/such"})", R"({"jsonrpc":"2.0","method":"ping","params":[]})",
        R"({"jsonrpc":"2.0","id":9,"result":{}})", R"({"jsonrpc":"2.0","id":9,"error":{"code":1,"message":""}})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled"})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}})",
        R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"look"}})"}) {
    const auto reaction = talk.say(line);
    BOOST_TEST((reaction.lines.empty() && reaction.starts.empty() && reaction.cancels.empty()), line);
  }
}

BOOST_AUTO_TEST_CASE(arguments_never_become_options) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  int id = 0;
  const auto command = [&](std::string_view tool, std::string_view arguments) {
    const auto starts = talk.say(call(std::to_string(++id), tool, arguments)).starts;
    return starts.empty() ? std::string("refused") : fmt::format("{}", fmt::join(starts[0].arguments, "|"));
  };
  BOOST_TEST(command("look", "{}") == "look|--json");
  BOOST_TEST(command("look", R"({"name":"--all","port":22.0,"whose":"user"})") ==
             "look|--json|--port=22|--user|--|--all");
  BOOST_TEST(command("look", R"({"name":null,"port":null})") == "look|--json");
  BOOST_TEST(command("make", R"({"port":"8080:web:80","more":["-x","a b"],"dry":true,"engine":"autossh"})") ==
             "make|--port=8080:web:80|--more=-x|--more=a b|--engine=autossh|--dry-run");
  BOOST_TEST(command("make", R"({"port":1,"dry":false,"more":[]})") == "make|--port=1");
}

BOOST_AUTO_TEST_CASE(invalid_arguments_are_an_error_of_the_tool) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  for (const auto& [tool, arguments, says] : std::vector<std::array<std::string, 3>>{
           {"make", "{}", "parameter port: it is missing"},
           {"make", R"({"port":null})", "parameter port: it is missing"},
           {"make", R"({"port":true})", "a whole number from 1 to 65535 or a string"},
           {"make", R"({"port":65536})", "a whole number"},
           {"make", R"({"port":1e300})", "a whole number"},
           {"make", R"({"port":18446744073709551615})", "a whole number"},
           {"make", R"({"port":1,"more":"x"})", "an array of strings"},
           {"make", R"({"port":1,"more":[1]})", "an array of strings"},
           {"make", R"({"port":1,"dry":"yes"})", "true or false"},
           {"make", R"({"port":1,"engine":"steam"})", "one of native, autossh"},
           {"look", R"({"port":"22"})", "a whole number"},
           {"look", R"({"name":{"x":1}})", "a string"},
           {"look", R"({"whose":"both"})", "one of user, system"},
           {"look", R"({"sped":1})", "parameter sped: look has no such parameter"}}) {
    const auto result = talk.ask(call("7", tool, arguments)).at("result");
    BOOST_TEST(result.at("isError").as_bool());
    BOOST_TEST(std::string(result.at("structuredContent").at("said").as_string()).find(says) != std::string::npos,
               arguments);
  }
}

BOOST_AUTO_TEST_CASE(progress_is_sent_only_on_request) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  const auto quiet = talk.say(call("1", "look", "{}")).starts.at(0).call;
  BOOST_TEST(talk.session.on_progress(quiet, "half").lines.empty());
  const auto reported = talk.say(call("2", "look", "{}", R"({"progressToken":"t"})")).starts.at(0).call;
  for (int step = 1; step <= 2; ++step) {
    const auto params = json::parse(talk.session.on_progress(reported, "a\tb").lines.at(0)).at("params");
    BOOST_TEST(params.at("progressToken") == "t");
    BOOST_TEST(params.at("progress").to_number<int>() == step);
    BOOST_TEST(params.at("message") == "a\\tb");
  }
  BOOST_TEST(talk.session.on_done(reported, ended(0, "")).lines.size() == 1U);
  BOOST_TEST(talk.session.on_progress(reported, "late").lines.empty());
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_ends_without_an_answer) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  const auto started = talk.say(call("\"a\"", "look", "{}", R"({"progressToken":1})")).starts.at(0).call;
  const std::string cancel = R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}})";
  BOOST_TEST(talk.say(cancel).cancels == std::vector{started}, boost::test_tools::per_element());
  BOOST_TEST(talk.say(cancel).cancels.empty());
  BOOST_TEST(talk.session.on_progress(started, "still").lines.empty());
  BOOST_TEST(talk.session.on_done(started, ended(130, "")).lines.empty());
}

BOOST_AUTO_TEST_CASE(an_id_in_use_is_refused) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  const auto first = talk.say(call("1", "look", "{}")).starts.at(0).call;
  const auto second = talk.ask(call("1", "look", "{}"));
  BOOST_TEST(error_code(second) == -32600);
  BOOST_TEST(second.at("id").is_null());
  BOOST_TEST(json::parse(talk.session.on_done(first, ended(0, "")).lines.at(0)).at("id") == 1);
  BOOST_TEST(talk.say(call("1", "look", "{}")).starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(batches_work_only_in_the_version_that_has_them) {
  const auto batch = fmt::format("[{},{},7,{}]", k_ping, R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
                                 call("5", "look", "{}"));
  for (const auto version : protocol_versions()) {
    if (version == "2025-03-26") continue;
    Talk talk;
    (void)talk.initialize(version);
    BOOST_TEST(error_code(talk.ask(batch)) == -32600);
  }
  Talk talk;
  BOOST_TEST(error_code(talk.ask(batch)) == -32600);
  (void)talk.initialize("2025-03-26");
  BOOST_TEST(error_code(talk.ask("[]")) == -32600);
  BOOST_TEST(talk.say(R"([{"jsonrpc":"2.0","method":"notifications/initialized"}])").lines.empty());
  const auto reaction = talk.say(batch);
  BOOST_TEST(reaction.lines.empty(), "a batch is answered when its last call has ended");
  const auto done = talk.session.on_done(reaction.starts.at(0).call, ended(0, ""));
  const auto answers = json::parse(done.lines.at(0)).as_array();
  BOOST_TEST_REQUIRE(answers.size() == 3U);
  BOOST_TEST(answers[0].at("id") == "p");
  BOOST_TEST(error_code(answers[1].as_object()) == -32600);
  BOOST_TEST(answers[2].at("id") == 5);
}

BOOST_AUTO_TEST_CASE(too_many_open_calls_are_refused) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  std::size_t started = 0;
  std::size_t refused = 0;
  for (int id = 0; id < 1000; ++id) {
    const auto reaction = talk.say(call(std::to_string(id), "look", "{}"));
    started += reaction.starts.size();
    refused += reaction.lines.size();
  }
  BOOST_TEST(started == 256U);
  BOOST_TEST(refused == 744U);
}

BOOST_AUTO_TEST_CASE(the_schema_matches_the_accepted_arguments) {
  Talk talk;
  (void)talk.initialize("2025-11-25");
  const auto schema = talk.ask(k_list).at("result").at("tools").at(1).at("inputSchema");
  BOOST_TEST(schema.at("type") == "object");
  BOOST_TEST(schema.at("required") == json::array{"port"});
  BOOST_TEST(schema.at("additionalProperties") == false);
  const auto& properties = schema.at("properties");
  BOOST_TEST(properties.at("port").at("anyOf").at(0).at("maximum") == 65535);
  BOOST_TEST(properties.at("more").at("items").at("type") == "string");
  BOOST_TEST(properties.at("dry").at("type") == "boolean");
  BOOST_TEST(properties.at("engine").at("enum") == (json::array{"native", "autossh"}));
}

BOOST_AUTO_TEST_SUITE_END()
