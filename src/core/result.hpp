// Result<T>: a value or an Error. Expected failures are Errors; an exception is a bug.
#pragma once

#include "core/error.hpp"

#include <boost/system/result.hpp>

#include <stdexcept>

namespace holdfast {

/// boost::system::result calls this when .value() is called on an Error, which is a bug.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("unchecked error: " + error.line());
}

template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace holdfast

#define HOLDFAST_JOIN_(a, b) a##b
#define HOLDFAST_JOIN(a, b) HOLDFAST_JOIN_(a, b)
#define HOLDFAST_TRY_(tmp, declaration, expression) \
  auto tmp = (expression);                          \
  if (!tmp) return std::move(tmp).error();          \
  declaration = std::move(*tmp)

/// HOLDFAST_TRY(auto x, f()): binds the value of f(), or returns its Error from the calling function.
#define HOLDFAST_TRY(declaration, expression) \
  HOLDFAST_TRY_(HOLDFAST_JOIN(holdfast_result_, __LINE__), declaration, expression)

/// HOLDFAST_CHECK(f()): returns the Error of f(), if any, from the calling function.
#define HOLDFAST_CHECK(expression)                                                                           \
  do {                                                                                                       \
    if (auto holdfast_checked = (expression); !holdfast_checked) return std::move(holdfast_checked).error(); \
  } while (false)
