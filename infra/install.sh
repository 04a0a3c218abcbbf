#!/usr/bin/env bash
# Installs what the checkout needs into .venv: Python packages from requirements.txt, JARs from infra/pom.xml, and the
# recipient's client into .venv/recipient.
# Java and Maven are installed where the system allows it (Debian or Ubuntu, as root); elsewhere it says the command.
# Run again with nothing changed, it ends at once; FORCE=1 makes it look at everything again.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
STAMP=$VENV/.installed
SECONDS=0

say() { printf '[install] %s\n' "$*"; }
fail() {
  printf '[install] %s\n' "$@" >&2
  exit 1
}

is_current() {
  [[ -z ${FORCE:-} && -e $STAMP ]] || return 1
  local source
  for source in requirements.txt infra/recipient/requirements.txt infra/pom.xml infra/install.sh \
    infra/log_store/guantong-log-store.jar; do
    [[ $STAMP -nt $source ]] || return 1
  done
}

can_use_apt() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

apt_install() {
  say "installing with apt: $*"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$LOG" 2>&1 ||
    fail "apt-get could not install $*:" "$(tail -n 15 "$LOG")"
}

# Names the command that installs $1 (apt package) / $2 (Homebrew) / $3 (dnf) on this system.
advice() {
  if command -v apt-get >/dev/null; then
    echo "sudo apt-get update && sudo apt-get install -y $1"
  elif command -v brew >/dev/null || [[ $(uname) == Darwin ]]; then
    echo "brew install $2"
  elif command -v dnf >/dev/null; then
    echo "sudo dnf install -y $3"
  else
    echo "install $3 with your system's package manager"
  fi
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3 python; do
    if [[ $("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == 3.11 ]]; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

java_major() {
  local java=java
  [[ -n ${JAVA_HOME:-} && -x $JAVA_HOME/bin/java ]] && java=$JAVA_HOME/bin/java
  "$java" -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1
}

need_java_and_maven() {
  local missing=() major
  major=$(java_major || true)
  [[ ${major:-0} -ge 17 ]] || missing+=(openjdk-17-jre-headless)
  command -v mvn >/dev/null || missing+=(maven)
  [[ ${#missing[@]} == 0 ]] && return
  if can_use_apt; then
    apt_install "${missing[@]}"
  else
    fail "Java 17 or newer and Maven are needed (found Java: ${major:-none}, Maven: $(command -v mvn || echo none))." \
      "Install them with: $(advice "${missing[*]}" "openjdk@17 maven" "java-17-openjdk-headless maven")"
  fi
  [[ $(java_major) -ge 17 ]] || fail "java is still older than 17; point JAVA_HOME at a newer one"
}

make_venv() {
  [[ -x $VENV/bin/python ]] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 && return
  local python
  if ! python=$(find_python); then
    can_use_apt && apt_install python3.11 python3.11-venv || true
    python=$(find_python) || fail "Python 3.11 is needed and was not found." \
      "Install it with: $(advice "python3.11 python3.11-venv" "python@3.11" "python3.11")" \
      "or name it: PYTHON=/path/to/python3.11 make run"
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    can_use_apt || fail "The venv module of $python is missing." \
      "Install it with: $(advice python3.11-venv python@3.11 python3.11)"
    apt_install python3.11-venv
  fi
  say "making $VENV with $python"
  "$python" -m venv --clear "$VENV"
}

install_packages() {
  local total count=0 line
  total=$(grep -cE '^[a-zA-Z0-9]' requirements.txt)
  say "installing $total Python packages (the first time this takes a few minutes)"
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input -r requirements.txt 2>"$LOG" |
    while IFS= read -r line; do
      case $line in
        Collecting* | Requirement\ already*)
          count=$((count + 1))
          if [[ -t 1 ]]; then printf '\r[install]   %d of %d ' "$((count < total ? count : total))" "$total"
          elif ((count % 50 == 0)); then say "  $count seen"; fi
          ;;
        Installing*) [[ -t 1 ]] && printf '\n'; say "  unpacking" ;;
      esac
    done || fail "pip could not install the packages:" "$(tail -n 20 "$LOG")"
}

# The receiving department's client has an environment of its own: its libraries bind none of ours.
install_recipient() {
  say "installing the recipient's client"
  "$VENV/bin/python" -m venv --clear "$VENV/recipient"
  "$VENV/recipient/bin/python" -m pip install --disable-pip-version-check --no-input \
    -r infra/recipient/requirements.txt >"$LOG" 2>&1 ||
    fail "pip could not install the recipient's client:" "$(tail -n 20 "$LOG")"
}

copy_jars() {
  say "copying the JARs named in infra/pom.xml with Maven"
  rm -rf "$VENV/jars.new"
  mvn -q -B -f infra/pom.xml dependency:copy-dependencies -DexcludeTransitive=true \
    -DoutputDirectory="$PWD/$VENV/jars.new" >"$LOG" 2>&1 ||
    fail "Maven could not copy the JARs:" "$(tail -n 20 "$LOG")"
  rm -rf "$VENV/jars"
  mv "$VENV/jars.new" "$VENV/jars"
}

# The Spark server starts in half the time from an archive of its classes; without one it starts all the same.
archive_classes() {
  say "archiving the Spark server's classes"
  PYTHONPATH=. "$VENV/bin/python" -m infra.stack.class_archive >"$LOG" 2>&1 ||
    say "no archive could be made, the server will start more slowly: $(tail -n 3 "$LOG")"
}

is_current && exit 0
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
need_java_and_maven
make_venv
install_packages
install_recipient
copy_jars
archive_classes
touch "$STAMP"
say "done in $SECONDS s"
