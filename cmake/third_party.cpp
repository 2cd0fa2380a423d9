// The compiled parts of the header-only libraries.
#include <boost/asio/impl/src.hpp>

#include <boost/process/v2/src.hpp>
