#include "core/forward.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using holdfast::ExitStatus;
using holdfast::Forward;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(forward)

// Input, and its normal form.
const char* const k_written[] = {"2222",
                                 "0.0.0.0:2222",
                                 "[::1]:2222",
                                 "2222:localhost:80",
                                 "10.0.0.1:2222:db:5432",
                                 "/run/x.sock",
                                 "/run/x.sock:localhost:22",
                                 "2222:/run/t.sock",
                                 "127.0.0.1:2222:/run/t.sock",
                                 "/run/x.sock:/run/t.sock",
                                 "[::1]:2222:[::1]:22"};
const char* const k_normal[] = {
    "127.0.0.1:2222:localhost:22", "0.0.0.0:2222:localhost:22",  "[::1]:2222:localhost:22",
    "127.0.0.1:2222:localhost:80", "10.0.0.1:2222:db:5432",      "/run/x.sock:localhost:22",
    "/run/x.sock:localhost:22",    "127.0.0.1:2222:/run/t.sock", "127.0.0.1:2222:/run/t.sock",
    "/run/x.sock:/run/t.sock",     "[::1]:2222:[::1]:22"};

BOOST_DATA_TEST_CASE(every_form_has_one_normal_form, data::make(k_written) ^ data::make(k_normal), written, normal) {
  const auto f = Forward::parse(written);
  BOOST_REQUIRE(f);
  BOOST_TEST(f->text() == normal);
  BOOST_TEST((*Forward::parse(f->text()) == *f));
}

BOOST_DATA_TEST_CASE(invalid_forwards_are_usage_errors,
                     data::make({"",        "0",           "65536",       "22x",     "-1",         " 22",
                                 "22:",     ":22",         "a:b:c:d:e",   "22:host", "22:host:0",  "x:y:22:22",
                                 "[::1:22", "22\n",        "99999999999", "+22",     "2222:-o:22", "2222:a b:22",
                                 "[2222]",  "[/run/x]:22", "[]:22",       "2222:/",  "/run/"})) {
  const auto f = Forward::parse(sample);
  BOOST_REQUIRE(!f);
  BOOST_TEST((f.error().status == ExitStatus::usage));
  BOOST_TEST(!f.error().hint.empty());
}

BOOST_AUTO_TEST_SUITE_END()
