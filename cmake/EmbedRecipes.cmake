# Script: writes OUTPUT, a C++ table of the files FOLDER/RECIPES.
set(rows "")
foreach(recipe ${RECIPES})
  file(READ ${FOLDER}/${recipe} text)
  string(REGEX REPLACE "\\.toml$" "" name ${recipe})
  string(APPEND rows "      {\"${name}\", R\"toml(${text})toml\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from recipes/.\n#include \"soco/run/recipes.h\"\n\nnamespace soco {\n\n"
  "const std::vector<Recipe>& shipped_recipes() {\n  static const std::vector<Recipe> table{\n${rows}  };\n  return table;\n}\n\n"
  "}  // namespace soco\n")
