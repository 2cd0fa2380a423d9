# The C++ library: libholdfast.a, its headers, and the files for find_package and pkg-config. docs/adr/0018 has the reasons.
#
# It is one object file made of our modules and Boost's static libraries. Only the public names are visible: a program needs no
# Boost to link it, and may use another version of Boost.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  message(STATUS "no C++ library: a program that is no part of this build cannot link a sanitized one")
  return()
endif()
find_program(HOLDFAST_OBJCOPY NAMES ${CMAKE_OBJCOPY} objcopy)
set(archives)
foreach(part filesystem json program_options container atomic system)
  find_library(HOLDFAST_BOOST_${part} libboost_${part}.a HINTS ${Boost_LIBRARY_DIRS})
  if(HOLDFAST_BOOST_${part})
    list(APPEND archives ${HOLDFAST_BOOST_${part}})
  elseif(part MATCHES "filesystem|json|program_options")  # the others are parts of these with some releases
    message(STATUS "no C++ library: Boost has no libboost_${part}.a here")
    return()
  endif()
endforeach()
if(NOT HOLDFAST_OBJCOPY)
  message(STATUS "no C++ library: there is no objcopy")
  return()
endif()

set(modules tunnels supervisor backends ssh store os core third_party)
list(TRANSFORM modules REPLACE "(.+)" "$<TARGET_FILE:holdfast_\\1>" OUTPUT_VARIABLE module_archives)
list(TRANSFORM modules PREPEND holdfast_ OUTPUT_VARIABLE module_targets)
set(object ${CMAKE_CURRENT_BINARY_DIR}/libholdfast.o)
# --force-group-allocation dissolves the groups of inline functions; otherwise the linker could use a program's copy in place of
# ours. Symbols are weakened first, because objcopy cannot make a unique symbol (STB_GNU_UNIQUE) local. Symbols of std stay shared.
add_custom_command(OUTPUT ${object}
  COMMAND ${CMAKE_CXX_COMPILER} -r -nostdlib -o ${object} -Wl,--force-group-allocation
          -Wl,--whole-archive $<TARGET_FILE:holdfast_api> -Wl,--no-whole-archive
          -Wl,--start-group ${module_archives} ${archives} -Wl,--end-group
  COMMAND ${HOLDFAST_OBJCOPY} --wildcard --weaken-symbol=*boost* --weaken-symbol=*3fmt* --weaken-symbol=*8holdfast* ${object}
  COMMAND ${HOLDFAST_OBJCOPY} --strip-debug --wildcard --keep-global-symbol=_ZN8holdfast2v0* --keep-global-symbol=_ZNK8holdfast2v0*
          --keep-global-symbol=_ZT[ISV]N8holdfast2v0* ${object}
  DEPENDS holdfast_api ${module_targets} ${CMAKE_CURRENT_LIST_FILE} VERBATIM COMMENT "Making one object of libholdfast")
set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(libholdfast STATIC ${object})
add_library(holdfast::holdfast ALIAS libholdfast)
set_target_properties(libholdfast PROPERTIES OUTPUT_NAME holdfast EXPORT_NAME holdfast LINKER_LANGUAGE CXX)
target_compile_features(libholdfast INTERFACE cxx_std_17)
target_include_directories(libholdfast INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(libholdfast INTERFACE Threads::Threads)

set(HOLDFAST_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/holdfast)
set(component COMPONENT development)
install(TARGETS libholdfast EXPORT holdfast ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/holdfast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${component})
install(EXPORT holdfast NAMESPACE holdfast:: FILE holdfastTargets.cmake DESTINATION ${HOLDFAST_CMAKE_DIR} ${component})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/holdfastConfig.cmake.in holdfastConfig.cmake
  INSTALL_DESTINATION ${HOLDFAST_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0.0 each minor version may change the interface: https://semver.org
write_basic_package_version_file(holdfastConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH HOLDFAST_PREFIX_OF_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/holdfast.pc.in holdfast.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/holdfastConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/holdfastConfigVersion.cmake
  DESTINATION ${HOLDFAST_CMAKE_DIR} ${component})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/holdfast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${component})
