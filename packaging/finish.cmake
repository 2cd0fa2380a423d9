# CPack runs this on the installed files before it packs them. It adds Debian's documents, and sets modes and times that do
# not depend on the build machine.
# https://reproducible-builds.org/specs/source-date-epoch/
set(source ${CPACK_HOLDFAST_SOURCE})
set(top ${CPACK_TEMPORARY_DIRECTORY})
set(documents ${top}/usr/share/doc/${CPACK_PACKAGE_NAME})

file(COPY ${source}/packaging/debian/copyright DESTINATION ${documents})
set(overrides ${source}/packaging/debian/${CPACK_PACKAGE_NAME}.lintian-overrides)
if(EXISTS ${overrides})
  file(MAKE_DIRECTORY ${top}/usr/share/lintian/overrides)
  file(COPY_FILE ${overrides} ${top}/usr/share/lintian/overrides/${CPACK_PACKAGE_NAME})
endif()
file(COPY_FILE ${source}/CHANGELOG.md ${documents}/changelog)
string(TIMESTAMP HOLDFAST_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)  # of SOURCE_DATE_EPOCH
configure_file(${source}/packaging/debian/changelog.in ${documents}/changelog.Debian @ONLY)

file(GLOB pages ${top}/usr/share/man/man*/*)
execute_process(COMMAND gzip -9nf ${pages} ${documents}/changelog ${documents}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u=rwX,go=rX ${top} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND find ${top} -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} "{}" +
                COMMAND_ERROR_IS_FATAL ANY)
