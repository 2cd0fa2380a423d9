#include "supervisor/loop/ssh_session.hpp"

#include "store/scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {
namespace {

struct Session {
  test::ScratchDirectory directory;
  test::HostAtHome home{directory.path()};
  store::RuntimeFiles files = store::runtime_files(TunnelName::parse("2222").value(), directory.path());
  boost::asio::io_context context;
  SshSession session{context, *home, files};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ssh_session)

BOOST_AUTO_TEST_CASE(an_old_remark_explains_no_later_end) {
  Session one;
  const std::string remark = "Warning: remote port forwarding failed for listen port 2222\n";
  test::write(one.files.ssh_log, remark);
  test::write(one.files.ssh_err, "a banner\n");
  BOOST_TEST(one.session.said(255).log == remark);
  one.session.forget_output();
  BOOST_TEST(one.session.said(255).log.empty());
  BOOST_TEST(one.session.said(255).err.empty());
  const std::string end = "Connection to bastion closed by remote host.\n";
  test::write(one.files.ssh_err, "a banner\n" + end);
  BOOST_TEST(one.session.said(255).err == end);
}

BOOST_AUTO_TEST_CASE(an_emptied_log_is_read_from_its_beginning) {
  Session one;
  test::write(one.files.ssh_log, std::string(1000, 'x') + "\n");
  one.session.forget_output();
  test::write(one.files.ssh_log, "Timeout, server bastion not responding.\n");
  BOOST_TEST(one.session.said(255).log == "Timeout, server bastion not responding.\n");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_long_output_counts) {
  Session one;
  test::write(one.files.ssh_log, std::string(2 * k_log_read_limit, 'x') + "\nthe last line\n");
  BOOST_TEST(one.session.said(255).log.ends_with("the last line\n"));
  BOOST_TEST(one.session.said(255).log.size() <= k_log_read_limit);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
