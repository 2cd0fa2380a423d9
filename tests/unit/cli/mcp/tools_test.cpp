// The MCP tools, and their results for commands that succeed, fail or die.
#include "cli/mcp/tools.hpp"
#include "cli/commands.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace holdfast;
using namespace holdfast::cli;
namespace json = boost::json;

namespace {

json::object structured(const mcp::Answer& answer) { return json::parse(answer.structured).as_object(); }

os::Completed ended(int exit_code, std::string out, std::string err = {}) {
  return {exit_code, false, std::move(out), std::move(err)};
}

std::string class_of(const json::object& answer) { return std::string(answer.at("error").at("class").as_string()); }

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_tools_and_answers)

BOOST_AUTO_TEST_CASE(keeps_the_names_and_parameters_of_scitex_tunnel) {
  const auto has = [](std::string_view tool, const std::vector<std::string_view>& parameters) {
    const auto found = std::ranges::find(mcp_tools(), tool, &mcp::Tool::name);
    BOOST_TEST_REQUIRE((found != mcp_tools().end()), tool);
    for (const auto name : parameters)
      BOOST_TEST((std::ranges::find(found->parameters, name, &mcp::Parameter::name) != found->parameters.end()), name);
  };
  has("tunnel_setup", {"port", "bastion_server", "secret_key_path"});
  has("tunnel_status", {"port"});
  has("tunnel_remove", {"port"});
}

BOOST_AUTO_TEST_CASE(every_parameter_is_an_option_of_its_command) {
  std::set<std::string_view> names;
  for (const auto& tool : mcp_tools()) {
    BOOST_TEST(names.insert(tool.name).second, tool.name);
    const auto* command = find_command(tool.command.front());
    BOOST_TEST_REQUIRE(command != nullptr);
    std::map<std::string, Option> options;
    for (const auto& option : all_options(*command))
      for (const auto& name : names_of(option)) options.emplace(name, option);
    for (const auto word : tool.command)
      if (word.starts_with("--")) BOOST_TEST(options.contains(std::string(word.substr(2))), word);
    for (const auto& parameter : tool.parameters) {
      using Type = mcp::Parameter::Type;
      BOOST_TEST(parameter.description.size() > 10U, parameter.name);
      if (parameter.type == Type::choice_of_flag) {
        for (const auto choice : parameter.choices) BOOST_TEST(options.contains(std::string(choice)), choice);
        continue;
      }
      if (parameter.option.empty()) {
        BOOST_TEST(command->most_operands > 0U, tool.name);
        continue;
      }
      const auto option = options.find(std::string(parameter.option));
      BOOST_TEST_REQUIRE((option != options.end()), tool.name << " " << parameter.option);
      BOOST_TEST(option->second.argument.empty() == (parameter.type == Type::flag), parameter.name);
      if (parameter.type == Type::texts) BOOST_TEST(option->second.repeatable, parameter.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(annotations_match_the_commands) {
  for (const auto& tool : mcp_tools()) {
    const bool changes = tool.name == "tunnel_setup" || tool.name == "tunnel_remove";
    BOOST_TEST(tool.hints.read_only == !changes, tool.name);
    BOOST_TEST(tool.hints.destructive == (tool.name == "tunnel_remove"), tool.name);
    BOOST_TEST(tool.hints.idempotent, tool.name);
  }
}

BOOST_AUTO_TEST_CASE(schemas_have_the_keys_of_scitex_tunnel) {
  for (const auto& tool : mcp_tools()) {
    const auto schema = json::parse(tool.output_schema).as_object();
    for (const auto* key : {"success", "stdout", "stderr", "error"})
      BOOST_TEST(schema.at("properties").as_object().contains(key), tool.name << " " << key);
    const auto answer = structured(tool.answer(usage_error("parameter port", "it is missing")));
    for (const auto& [key, value] : answer)
      BOOST_TEST(schema.at("properties").as_object().contains(key), tool.name << " " << key);
    BOOST_TEST(class_of(answer) == "usage");
  }
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_down_is_no_error) {
  const auto answer = tunnels_answer(ended(3, R"({"tunnels": [{"name": "2222"}]})"));
  BOOST_TEST(!answer.is_error);
  const auto result = structured(answer);
  BOOST_TEST(!result.at("success").as_bool());
  BOOST_TEST(result.at("error").is_null());
  BOOST_TEST(result.at("tunnels").at(0).at("name") == "2222");
}

BOOST_AUTO_TEST_CASE(the_history_has_no_chart_slots) {
  const auto result = structured(tunnels_answer(ended(
      0, R"({"tunnels": [{"name": "a", "history": {"day": {"slots": [1, 2], "total": 3}, "week": {"slots": []}}},)"
         R"({"name": "b", "history": null}]})")));
  BOOST_TEST(result.at("tunnels").at(0).at("history") == json::parse(R"({"day": {"total": 3}, "week": {}})"));
}

BOOST_AUTO_TEST_CASE(an_answer_has_its_data_once) {
  const auto result = structured(tunnels_answer(ended(0, R"({"tunnels": [{"name": "2222"}]})")));
  BOOST_TEST(result.at("stdout") == "");
  BOOST_TEST(structured(logs_answer(ended(0, R"({"lines": ["x"]})"))).at("stdout") == "");
  const auto failed =
      structured(remove_answer(ended(1, R"({"error": {"class": "failed", "message": "m", "hint": null}})")));
  BOOST_TEST(failed.at("stdout") == "");
}

BOOST_AUTO_TEST_CASE(passes_on_the_error_of_the_command) {
  const auto answer =
      setup_answer(ended(1, R"({"error": {"class": "auth", "message": "m", "hint": null}})", "holdfast: m\n"));
  BOOST_TEST(answer.is_error);
  const auto result = structured(answer);
  BOOST_TEST(class_of(result) == "auth");
  BOOST_TEST(result.at("tunnel").is_null());
  BOOST_TEST(result.at("stderr") == "holdfast: m\n");
  const auto half =
      remove_answer(ended(1, R"({"removed": [], "error": {"class": "failed", "message": "m", "hint": "h"}})"));
  BOOST_TEST(half.is_error);
  BOOST_TEST(!remove_answer(ended(0, R"({"removed": [], "error": null})")).is_error);
}

BOOST_AUTO_TEST_CASE(a_command_killed_by_a_signal_is_an_error) {
  for (const auto& [exit_code, out, wanted] :
       std::vector<std::tuple<int, std::string, std::string>>{{130, "", "interrupted"},
                                                              {143, "", "interrupted"},
                                                              {137, "", "failed"},
                                                              {139, "{\"tunnels\": [", "failed"},
                                                              {0, "", "failed"},
                                                              {0, "[]", "failed"},
                                                              {0, "not JSON", "failed"}}) {
    const auto answer = tunnels_answer(ended(exit_code, out));
    BOOST_TEST(answer.is_error, out);
    BOOST_TEST(class_of(structured(answer)) == wanted, exit_code);
  }
}

BOOST_AUTO_TEST_CASE(hostile_bytes_never_break_the_json) {
  const auto result = structured(logs_answer(ended(1, "\xff\x01", "\xc3\x28\x1b[2J\nnext\n")));
  BOOST_TEST(result.at("stdout") == "\\xff\\x01");
  BOOST_TEST(result.at("stderr") == "\\xc3(\\x1b[2J\nnext\n");
}

BOOST_AUTO_TEST_SUITE_END()
