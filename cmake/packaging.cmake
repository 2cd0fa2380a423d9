# scripts/package makes two .debs of the static build: the program, and the C++ library.
set(CPACK_PACKAGE_NAME ${PROJECT_NAME})
set(CPACK_PACKAGE_VENDOR "the holdfast authors")
set(CPACK_PACKAGE_CONTACT "the holdfast authors <maintainers@holdfast.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGE_DESCRIPTION
  "holdfast keeps SSH reverse tunnels open: a port on a public bastion leads to
a machine behind NAT or a firewall. It uses the system's ssh, checks each
tunnel end to end, and reconnects after crashes, network faults, suspends,
logouts and reboots. It runs under systemd, systemd --user, cron, tmux, screen
or as a plain background process, whichever works on the machine.")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_STRIP_FILES OFF)  # the linker has done it
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/finish.cmake)
set(CPACK_HOLDFAST_SOURCE ${PROJECT_SOURCE_DIR})

# The same file runs on every release. It needs only the system's ssh.
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openssh-client (>= 1:8.0)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "autossh, cron, python3, screen, tmux")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
include(CPack)

# libholdfast-dev: the same configuration with other contents. A program that links it needs only holdfast at run time.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/CPackDevelopmentConfig.cmake @ONLY CONTENT [=[
include(@CMAKE_BINARY_DIR@/CPackConfig.cmake)
set(CPACK_INSTALL_CMAKE_PROJECTS "@CMAKE_BINARY_DIR@;@PROJECT_NAME@;development;/")
set(CPACK_PACKAGE_NAME libholdfast-dev)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "@PROJECT_DESCRIPTION@ (C++ library)")
set(CPACK_PACKAGE_DESCRIPTION "@CPACK_PACKAGE_DESCRIPTION@

This package is for C++ programs that set up, read and remove tunnels. It has
the headers, a static library, and files for CMake and pkg-config.")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "holdfast (= @PROJECT_VERSION@-@CPACK_DEBIAN_PACKAGE_RELEASE@), libstdc++-12-dev | libstdc++-dev")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, pkgconf")
]=])
