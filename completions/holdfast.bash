# bash completion of holdfast. The completions come from holdfast itself: commands, options, this user's tunnels, and the Host
# aliases of ~/.ssh/config. No word of the line is ever expanded.

_holdfast() {
  local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT}
  local answer completion note current replaced break
  local -a words=()
  COMPREPLY=()
  read -r -d '' -a words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  current=${words[${#words[@]} - 1]}
  # readline replaces only the part after the last = or :, or from the last @ on.
  replaced=$current
  for break in '=' ':'; do
    [[ $COMP_WORDBREAKS == *"$break"* ]] && replaced=${replaced##*"$break"}
  done
  [[ $COMP_WORDBREAKS == *@* && $replaced == *@* ]] && replaced=@${replaced##*@}
  answer=$(command holdfast completion --candidates -- "${words[@]:1}" 2>/dev/null)
  while IFS=$'\t' read -r completion note; do
    if [[ $completion == :file ]]; then
      compopt -o default
    elif [[ -n $completion && $completion == "$current"* ]]; then
      COMPREPLY+=("${completion#"${current%"$replaced"}"}")
    fi
  done <<<"$answer"
}

complete -F _holdfast holdfast
