# Only Boost (Program_options, Filesystem, JSON, Asio, Process v2, System, Test), {fmt}, and utf8proc for the command line.
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

# utf8proc gives the width of a character on a terminal. The static archive, so that no package depends on the library.
# Only holdfast_cli links it: the C++ library doesn't need it.
find_path(HOLDFAST_UTF8PROC_INCLUDE utf8proc.h REQUIRED)
find_library(HOLDFAST_UTF8PROC NAMES libutf8proc.a utf8proc REQUIRED)
add_library(holdfast_utf8proc INTERFACE)
target_include_directories(holdfast_utf8proc SYSTEM INTERFACE ${HOLDFAST_UTF8PROC_INCLUDE})
target_link_libraries(holdfast_utf8proc INTERFACE ${HOLDFAST_UTF8PROC})

# The man pages are rendered while building: `holdfast help --man` prints them where no man(1) is installed.
find_program(HOLDFAST_MANDOC mandoc)
find_program(HOLDFAST_GROFF groff)
if(HOLDFAST_MANDOC)
  set(HOLDFAST_RENDER_MAN ${HOLDFAST_MANDOC} -T utf8 -O width=78 -I os=Linux)
elseif(HOLDFAST_GROFF)
  set(HOLDFAST_RENDER_MAN ${HOLDFAST_GROFF} -mdoc -Tutf8 -P-c -rLL=78n)
else()
  message(FATAL_ERROR "neither mandoc nor groff was found: one of them renders the man pages")
endif()
