# cmake -DOUT=file.cpp -DDIRECTORY=texts -DNAMES=a,b -DHEADER=module/header.hpp -DNAMESPACE=n -DFUNCTION=f -P embed.cmake
# Writes a C++ source with the texts, so that one copied binary is the whole program. It defines the function that HEADER
# declares as `std::string_view f(std::string_view name) noexcept`.
set(rows "")
string(REPLACE "," ";" names "${NAMES}")
foreach(name IN LISTS names)
  file(READ "${DIRECTORY}/${name}" text)
  string(APPEND rows "    {\"${name}\", R\"__text__(${text})__text__\"},\n")
endforeach()
file(WRITE "${OUT}" "// Generated from ${NAMES} by cmake/embed.cmake.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {

struct Row {
  std::string_view name;
  std::string_view text;
};

constexpr Row k_rows[] = {
${rows}};

}  // namespace

std::string_view ${FUNCTION}(std::string_view name) noexcept {
  for (const auto& row : k_rows)
    if (row.name == name) return row.text;
  return {};
}

}  // namespace ${NAMESPACE}
")
