# Finds what builds and runs Kahvem: a JDK 25 or later and Maven 3.8.7 or later. Sourced by the launcher and by the test script.
# shellcheck shell=sh

say() { printf 'kahvem: %s\n' "$*" >&2; }
die() { say "$@"; exit 70; }

# Sets java_home if $1 is a JDK 25 or later. Its file `release` tells, which costs no process.
is_jdk() {
    [ -n "$1" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    while IFS='=' read -r key value; do
        [ "$key" = JAVA_VERSION ] || continue
        value=${value#\"}
        value=${value%%[!0-9]*}
        [ "${value:-0}" -ge 25 ] && java_home=$1 && return 0
        return 1
    done < "$1/release"
    return 1
}

find_jdk() {
    is_jdk "${JAVA_HOME:-}" && return 0
    if on_path=$(command -v java); then
        on_path=$(readlink -f "$on_path" 2>/dev/null || echo "$on_path")
        is_jdk "${on_path%/bin/java}" && return 0
    fi
    for candidate in /usr/lib/jvm/* /usr/local/lib/jvm/* /usr/java/* /opt/* /opt/java/* "${SDKMAN_DIR:-${HOME:-/nonexistent}/.sdkman}"/candidates/java/* \
            "${HOME:-/nonexistent}"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
        is_jdk "$candidate" && return 0
    done
    if [ -x /usr/libexec/java_home ]; then
        is_jdk "$(/usr/libexec/java_home -v 25+ 2>/dev/null)" && return 0
    fi
    return 1
}

no_jdk() {
    say "no JDK 25 or later found: looked at JAVA_HOME (${JAVA_HOME:-not set}), java on PATH ($(command -v java || echo none)), /usr/lib/jvm, /opt, SDKMAN."
    if command -v apt-get >/dev/null; then
        if [ -n "$(apt-cache search --names-only '^openjdk-25-jdk-headless$' 2>/dev/null)" ]; then
            say "  Install one:  sudo apt-get install openjdk-25-jdk-headless"
        elif [ -n "$(apt-cache search --names-only '^temurin-25-jdk$' 2>/dev/null)" ]; then
            say "  Install one:  sudo apt-get install temurin-25-jdk"
        else
            say "  Install one:  sudo apt-get update && sudo apt-get install openjdk-25-jdk-headless"
            say "  or unpack a JDK 25 from https://adoptium.net below /opt: it is found there."
        fi
    elif command -v dnf >/dev/null; then say "  Install one:  sudo dnf install java-25-openjdk-devel"
    elif command -v pacman >/dev/null; then say "  Install one:  sudo pacman -S jdk-openjdk"
    elif command -v zypper >/dev/null; then say "  Install one:  sudo zypper install java-25-openjdk-devel"
    elif command -v brew >/dev/null; then say "  Install one:  brew install openjdk@25"
    else say "  Unpack a JDK 25 from https://adoptium.net below /opt, or set JAVA_HOME to one."
    fi
    exit 70
}

need_maven() {
    if version=$(mvn --version 2>/dev/null); then
        version=$(printf '%s\n' "$version" | sed -n 's/.*Apache Maven \([0-9][0-9]*\)\.\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2 \3/p' | head -n 1)
        # shellcheck disable=SC2086 # three words
        set -- ${version:-0 0 0}
        [ $(($1 * 1000000 + $2 * 1000 + $3)) -ge 3008007 ] && return 0
        say "Maven $1.$2.$3 is too old to build Kahvem: 3.8.7 or later is needed."
    else
        say "no Maven found on PATH: it builds Kahvem on first use and whenever sources changed (3.8.7 or later)."
    fi
    if command -v apt-get >/dev/null; then say "  Install it:  sudo apt-get install --no-install-recommends maven"
    elif command -v dnf >/dev/null; then say "  Install it:  sudo dnf install maven"
    elif command -v pacman >/dev/null; then say "  Install it:  sudo pacman -S maven"
    elif command -v zypper >/dev/null; then say "  Install it:  sudo zypper install maven"
    elif command -v brew >/dev/null; then say "  Install it:  brew install maven"
    else say "  Get it from https://maven.apache.org/download.cgi and put its bin directory on PATH."
    fi
    exit 70
}

# Maven under the JDK found, without the warnings that its own libraries cause there.
run_maven() {
    JAVA_HOME=$java_home MAVEN_OPTS="-XX:+UseSerialGC --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED ${MAVEN_OPTS:-}" \
        mvn -B -ntp -f "$root/pom.xml" "$@" < /dev/null
}
