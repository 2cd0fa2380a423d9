// One list of values that try to end, change or extend the text that they are put into.
#pragma once

#include <map>
#include <string>

namespace holdfast::test {

/// By kind. Where a value runs a command, it creates the file INJECTED in the working directory.
inline const std::map<std::string, std::string> k_hostile_values{
    {"newline", "x\nINJECTED * * * * touch INJECTED"},
    {"return", "x\rINJECTED"},
    {"crlf", "x\r\nINJECTED=1\r\n"},
    {"single quote", "x'; touch INJECTED; '"},
    {"double quote", "x\"; touch INJECTED; \""},
    {"substitution", "x$(touch INJECTED)"},
    {"backquotes", "x`touch INJECTED`"},
    {"semicolon", "x; touch INJECTED"},
    {"pipe", "x|touch INJECTED&"},
    {"percent", "x%n%h%%"},
    {"percent at the end", "x\\%"},
    {"dollar", "$HOME${HOME}$$"},
    {"backslash", "x\\n\\;\\"},
    {"option", "-oProxyCommand=touch"},
    {"long option", "--ssh-option=ProxyCommand=touch"},
    {"comment", "x # y"},
    {"number sign", "#{pid}#(touch INJECTED)"},
    {"escape", "x\x1b[2J\x1b]0;y\x07"},
    {"c1", "x\xc2\x9b\x33\x31m"},
    {"bidi",
     "x\xe2\x80\xae"
     "dlrow\xe2\x81\xa6\xe2\x80\x8f"},
    {"line separator", "x\xe2\x80\xa8y\xc2\x85z"},
    {"long", std::string(64 * 1024, 'x')},
    {"nul", std::string("x\0y", 3)},
    {"invalid utf-8", "x\xff\xfe\xc0\xaf"},
    {"marker", "x\n# <<< holdfast web <<<\nINJECTED"},
    {"section", "x]\n[Service]\nExecStart=/bin/touch INJECTED"},
    {"placeholder", "@EXEC_START@@USER@"},
    {"history", "x!!!touch"},
    {"comma", "x,y,permitopen=\"*:*\""},
    {"spaces", " x  y "},
    {"tab", "x\ty"},
    {"glob", "/*/[a]?"},
    {"byte order mark", "\xef\xbb\xbfx"},
};

}  // namespace holdfast::test
