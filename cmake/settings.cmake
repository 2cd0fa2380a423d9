# What every target of ours is compiled with.
add_library(holdfast_settings INTERFACE)
target_compile_features(holdfast_settings INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
target_include_directories(holdfast_settings INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_compile_definitions(holdfast_settings INTERFACE _GNU_SOURCE HOLDFAST_VERSION="${PROJECT_VERSION}")
target_compile_options(holdfast_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wsign-conversion
  -ffunction-sections -fdata-sections
  $<$<BOOL:${HOLDFAST_WERROR}>:-Werror>)

find_program(HOLDFAST_CCACHE ccache)
if(HOLDFAST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HOLDFAST_CCACHE})
endif()

# holdfast_library(NAME sources… DEPENDS targets…): one room of the house.
function(holdfast_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC holdfast_settings holdfast_third_party ${arg_DEPENDS})
endfunction()
