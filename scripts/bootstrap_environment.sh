#!/bin/sh
# Builds the project's environment in .venv, or brings it up to date; does nothing where it is.
# With the argument `providers` it also holds the provider packages whose hooks the tests run, some 700 MB.
# With `azure-cli` it also builds .venv-azure-cli, 400 MB: azure-cli wants other versions of what Airflow uses, too.
#
# PYTHON names the interpreter; by default the environment's own, or else the first suitable one of this machine.
# pip is used as it is configured here (index, proxy, certificates). Nothing but these is touched, with one exception:
# as root on Debian or Ubuntu, where Python comes without the means to make an environment, its package for that is added.
set -eu

cd "$(dirname "$0")/.."
environment=.venv
stamp=$environment/netconn-environment
azure_cli="azure-cli>=2.80"
candidates="python3.13 python3.12 python3.11 python3.14 python3 python"

say() { printf '%s\n' "environment: $*"; }

fail() {
    printf '%s\n' "environment: $*" >&2
    exit 1
}

is_suitable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1
}

# Which Python it is, the same for the interpreter itself and for an environment made with it.
identity() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3], sys.base_prefix)'
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_suitable "$PYTHON" || fail "PYTHON=$PYTHON is no Python from 3.11 up to 3.14"
        python=$PYTHON
        return
    fi
    if is_suitable "$environment/bin/python"; then
        python=$environment/bin/python
        return
    fi
    for candidate in $candidates; do
        if is_suitable "$candidate"; then
            python=$candidate
            return
        fi
    done
    fail "found no Python from 3.11 up to 3.14 (looked for $candidates); install one, or name it: make PYTHON=/path/to/python"
}

remove_unfit_environment() {
    [ -e "$environment" ] || return 0
    [ -f "$environment/pyvenv.cfg" ] || fail "$environment exists and is no Python environment; move it away"
    if is_suitable "$environment/bin/python" &&
        [ "$(identity "$environment/bin/python")" = "$(identity "$python")" ] &&
        "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    say "replacing $environment, which is broken or of another Python"
    [ "$python" != "$environment/bin/python" ] || python=$("$python" -c 'import sys; print(sys._base_executable)')
    rm -rf "$environment"
}

# Some distributions ship Python without ensurepip, which puts pip into a new environment.
make_environment() {
    version=$(identity "$python")
    version=${version%% *}
    say "making $environment with Python $version ($python)"
    if "$python" -c 'import ensurepip; ensurepip.version' 2>/dev/null && "$python" -m venv "$environment"; then
        return
    fi
    rm -rf "$environment"
    if "$python" -m pip --version >/dev/null 2>&1; then
        say "this Python has no ensurepip; its own pip installs pip into $environment"
        "$python" -m venv --without-pip "$environment"
        "$python" -m pip --python "$environment/bin/python" install -qq pip && return
    fi
    package=python${version%.*}-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "this Python has neither ensurepip nor pip; installing $package"
        export DEBIAN_FRONTEND=noninteractive
        rm -rf "$environment"
        if apt-get update -qq && apt-get install -y -qq "$package" >/dev/null && "$python" -m venv "$environment"; then
            return
        fi
    fi
    rm -rf "$environment"
    fail "$python cannot make an environment with pip: install its package for that (Debian, Ubuntu: apt-get install" \
        "$package), or name another Python: make PYTHON=/path/to/python"
}

choose_python
remove_unfit_environment
# What the environment was made of. The folder's own path is in its scripts, so a moved one is installed anew.
wanted=$(
    identity "$python"
    pwd -P
    cksum <pyproject.toml
)

# A user's setting to install below the home folder does not work inside an environment.
install() {
    PIP_USER=0 "$environment/bin/python" -m pip install -qq --disable-pip-version-check --no-input "$@" ||
        fail "pip could not install $*; see above"
}

is_stamped() {
    [ -f "$1" ] && [ "$(cat "$1")" = "$wanted" ]
}

is_asked_for() {
    part=$1
    shift
    case " $* " in *" $part "*) ;; *) return 1 ;; esac
}

if ! is_stamped "$stamp"; then
    [ -d "$environment" ] || make_environment
    rm -f "$stamp" "$stamp-providers"
    say "installing the project and its tools into $environment; this takes a minute or two the first time"
    install -e '.[dev]'
    printf '%s\n' "$wanted" >"$stamp"
    say "ready"
fi
if is_asked_for providers "$@" && ! is_stamped "$stamp-providers"; then
    say "installing the providers whose hooks the tests run; this takes two minutes more the first time"
    install -e '.[dev,providers]'
    # mysqlclient, on which this one depends, wants a compiler; its hook is tested without.
    install --no-deps apache-airflow-providers-mysql
    printf '%s\n' "$wanted" >"$stamp-providers"
    say "ready"
fi

if is_asked_for azure-cli "$@"; then
    environment=.venv-azure-cli
    stamp=$environment/netconn-environment
    remove_unfit_environment
    wanted=$(
        identity "$python"
        pwd -P
        printf '%s\n' "$azure_cli"
    )
    if ! is_stamped "$stamp"; then
        [ -d "$environment" ] || make_environment
        rm -f "$stamp"
        say "installing azure-cli into $environment; this takes half a minute more the first time"
        install --no-compile "$azure_cli" # thousands of modules, of which the tests use few; Python compiles those
        printf '%s\n' "$wanted" >"$stamp"
        say "ready"
    fi
fi
