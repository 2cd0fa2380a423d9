# Compiler settings of every target.
add_library(holdfast_settings INTERFACE)
target_compile_features(holdfast_settings INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
target_include_directories(holdfast_settings INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_compile_definitions(holdfast_settings INTERFACE _GNU_SOURCE HOLDFAST_VERSION="${PROJECT_VERSION}")
# libstdc++ aborts on front() of an empty vector and the like.
target_compile_definitions(holdfast_settings INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
target_compile_options(holdfast_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wsign-conversion
  -ffunction-sections -fdata-sections
  $<$<BOOL:${HOLDFAST_WERROR}>:-Werror>)

find_program(HOLDFAST_CCACHE ccache)
if(HOLDFAST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HOLDFAST_CCACHE})
endif()

# GNU ld needs 10 s and more for each test program of a debug build, mold one.
find_program(HOLDFAST_MOLD mold)
if(HOLDFAST_MOLD AND NOT HOLDFAST_STATIC)
  add_link_options($<$<CONFIG:Debug>:-fuse-ld=mold>)
endif()

# holdfast_library(NAME sources… DEPENDS targets…): one module.
function(holdfast_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC holdfast_settings holdfast_third_party ${arg_DEPENDS})
endfunction()

# holdfast_embed(OUT HEADER NAMESPACE FUNCTION DIRECTORY names…): sets OUT to a source that embeds those texts and defines the
# function that HEADER declares.
function(holdfast_embed out header namespace function directory)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  list(TRANSFORM ARGN PREPEND ${directory}/ OUTPUT_VARIABLE texts)
  list(JOIN ARGN "," names)
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -DOUT=${file} -DDIRECTORY=${directory} -DNAMES=${names} -DHEADER=${header}
            -DNAMESPACE=${namespace} -DFUNCTION=${function} -P ${script}
    DEPENDS ${texts} ${script} COMMENT "Embedding ${names}" VERBATIM)
  set(${out} ${file} PARENT_SCOPE)
endfunction()
