#include "supervisor/loop/event_queue.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(event_queue)

// The loop executes all actions of an event before an event that one of them posts is handled.
BOOST_AUTO_TEST_CASE(an_event_posted_by_an_action_waits_for_the_other_actions) {
  boost::asio::io_context context;
  std::string order;
  EventQueue<char> queue(context, [&](char event, double) {
    order += event;
    if (event == 'a') queue.post('c');
    if (event == 'a') queue.handle_all();  // as reload() may do: no event is handled within another
    order += '.';
  });
  queue.post('a');
  queue.post('b');
  BOOST_TEST(order.empty());
  context.run();
  BOOST_TEST(order == "a.b.c.");
}

BOOST_AUTO_TEST_CASE(handle_all_handles_queued_events_now) {
  boost::asio::io_context context;
  std::string order;
  EventQueue<char> queue(context, [&](char event, double chance) {
    BOOST_TEST((chance >= 0 && chance < 1));
    order += event;
  });
  queue.post('a');
  queue.handle_all();
  BOOST_TEST(order == "a");
  context.run();
  BOOST_TEST(order == "a");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
