# bash completion of holdfast. What can be completed holdfast itself says: its table of commands, this user's tunnels
# and the Host aliases of ~/.ssh/config. No word of the line is ever expanded.

_holdfast() {
  local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT}
  local answer candidate note current replaced break
  local -a words=()
  COMPREPLY=()
  read -r -d '' -a words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  current=${words[${#words[@]} - 1]}
  # readline replaces only what stands after the last = or :, or from the last @ on.
  replaced=$current
  for break in '=' ':'; do
    [[ $COMP_WORDBREAKS == *"$break"* ]] && replaced=${replaced##*"$break"}
  done
  [[ $COMP_WORDBREAKS == *@* && $replaced == *@* ]] && replaced=@${replaced##*@}
  answer=$(command holdfast completion --candidates -- "${words[@]:1}" 2>/dev/null)
  while IFS=$'\t' read -r candidate note; do
    if [[ $candidate == :file ]]; then
      compopt -o default
    elif [[ -n $candidate && $candidate == "$current"* ]]; then
      COMPREPLY+=("${candidate#"${current%"$replaced"}"}")
    fi
  done <<<"$answer"
}

complete -F _holdfast holdfast
