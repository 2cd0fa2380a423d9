# Only Boost (Program_options, Filesystem, JSON, Asio, Process v2, System, Test) and {fmt}.
if(HOLDFAST_STATIC)
  set(Boost_USE_STATIC_LIBS ON)
endif()
set(components program_options filesystem json)
if(HOLDFAST_TESTS)
  list(APPEND components unit_test_framework)
endif()
find_package(Boost 1.81 REQUIRED COMPONENTS ${components})
find_package(fmt REQUIRED)
find_package(Threads REQUIRED)

# Asio, Process v2 and fmt are compiled once, here: Debian has no static libfmt, and fmt's header-only use costs each
# file 1.5 s.
add_library(holdfast_third_party STATIC ${PROJECT_SOURCE_DIR}/cmake/third_party.cpp)
target_compile_features(holdfast_third_party PUBLIC cxx_std_20)
target_compile_definitions(holdfast_third_party PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_PROCESS_V2_SEPARATE_COMPILATION
  BOOST_PROCESS_V2_DISABLE_PIDFD_OPEN  # RHEL 8 has kernel 4.18, without pidfd_open(2)
  _GNU_SOURCE)
target_link_libraries(holdfast_third_party PUBLIC
  Boost::headers Boost::program_options Boost::filesystem Boost::json Threads::Threads)
target_include_directories(holdfast_third_party SYSTEM PUBLIC
  $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(holdfast_third_party PRIVATE -w -ffunction-sections -fdata-sections)
