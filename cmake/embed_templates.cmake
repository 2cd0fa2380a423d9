# cmake -DOUT=file.cpp -DDIRECTORY=templates -DNAMES=a,b -P embed_templates.cmake
# Writes a C++ source that holds the texts, so that one copied binary is the whole program.
set(rows "")
string(REPLACE "," ";" names "${NAMES}")
foreach(name IN LISTS names)
  file(READ "${DIRECTORY}/${name}" text)
  string(APPEND rows "    {\"${name}\", R\"__template__(${text})__template__\"},\n")
endforeach()
file(WRITE "${OUT}" "// Generated from templates/ by cmake/embed_templates.cmake.
#include \"backends/templates.hpp\"

namespace holdfast::backends {
namespace {

struct Row {
  std::string_view name;
  std::string_view text;
};

constexpr Row k_rows[] = {
${rows}};

}  // namespace

std::string_view embedded_template(std::string_view name) noexcept {
  for (const auto& row : k_rows)
    if (row.name == name) return row.text;
  return {};
}

}  // namespace holdfast::backends
")
