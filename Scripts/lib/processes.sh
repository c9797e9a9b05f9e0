# Sourced by Scripts/demo: the processes of a demo, by name, and what becomes of them.
#
# Each process has a log, FOLDER/NAME.log, and a note of who it is, FOLDER/NAME.pid: its process id and the moment
# it started, counted since the machine did. A process id alone could meanwhile belong to somebody else, and only
# what the demo started is ever stopped.
# shellcheck shell=bash disable=SC2154

# In the order in which they start; they stop in reverse.
readonly process_names=(catalog pricing edge)

# Prints when the process $1 started; fails if there is none, or only its remains.
start_time() {
    local line fields
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    # The name in parentheses may contain anything. After it come the state (3rd field of all) and so on to the 22nd.
    read -r -a fields <<<"${line##*) }"
    [[ ${fields[0]} != Z ]] && echo "${fields[19]}"
}

# Whether the process called $1 is running; `pid` is then its id.
is_running() {
    local started
    { read -r pid started <"$folder/$1.pid"; } 2>/dev/null || return 1
    [[ $(start_time "$pid") == "$started" ]]
}

# Becomes another program in a session of its own, which is out of reach of the terminal's Ctrl-C. Nothing stays open
# but its log: who started the demo may be waiting for the end of whatever a child of it holds open.
detach() {
    local entry descriptor
    for entry in "/proc/$BASHPID/fd"/*; do
        descriptor=${entry##*/}
        if ((descriptor > 2 && descriptor != 255)); then eval "exec $descriptor>&-"; fi
    done
    exec setsid "$@"
}

# Starts the process called $1 with the command that follows.
start() {
    local name=$1 program_path=$2
    shift
    [[ -x $program_path ]] || fail "$program_path is missing"
    say "starting $name"
    detach "$@" </dev/null >"$folder/$name.log" 2>&1 &
    echo "$! $(start_time $! || echo gone)" >"$folder/$name.pid"
}

# Prints the port that the process called $1 says it listens on, as soon as it does.
listening_port() {
    local port
    while true; do
        port=$(logged_port "$1")
        [[ $port ]] && break
        is_running "$1" || give_up "$1" "$1 has ended"
        ((SECONDS < deadline)) || give_up "$1" "$1 does not listen"
        sleep 0.1
    done
    echo "$port"
}

logged_port() {
    sed -n 's/.*listening on [^ ]*:\([0-9]\{1,5\}\).*/\1/p' "$folder/$1.log" 2>/dev/null | tail -n 1
}

# Fails because of the process called $1, with the end of its log.
give_up() {
    local log=$folder/$1.log
    printf '%s: the last lines of %s:\n' "$program" "$log" >&2
    tail -n 20 "$log" | sed 's/^/    /' >&2
    fail "$2"
}

# Ends what runs, last started first: politely, and after 15 seconds not.
stop_all() {
    local index name pid stopped=""
    for ((index = ${#process_names[@]} - 1; index >= 0; index--)); do
        name=${process_names[index]}
        if is_running "$name"; then
            say "stopping $name"
            stop_process "$name" "$pid"
            stopped=1
        fi
        rm -f "$folder/$name.pid"
    done
    [[ $stopped ]] || say "nothing is running"
}

stop_process() {
    local limit=$((SECONDS + 15))
    kill -TERM "$2" 2>/dev/null || true
    while is_running "$1"; do
        if ((SECONDS >= limit)); then
            say "$1 does not stop; killing it"
            kill -KILL "$2" 2>/dev/null || true
            limit=$((SECONDS + 15))
        fi
        sleep 0.1
    done
}

# One line for each process; succeeds if all are running.
show_status() {
    local name pid all=0
    for name in "${process_names[@]}"; do
        if is_running "$name"; then
            printf '%-8s running   process %-8s port %s\n' "$name" "$pid" "$(logged_port "$name")"
        else
            printf '%-8s stopped\n' "$name"
            all=1
        fi
    done
    return $all
}

# Prints the inode of the socket that listens on port $1, if there is one.
listening_inode() {
    local tables=() table
    for table in /proc/net/tcp /proc/net/tcp6; do [[ -r $table ]] && tables+=("$table"); done
    awk -v port="$(printf ':%04X' "$1")" \
        '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' "${tables[@]}"
}

port_is_taken() {
    [[ $(listening_inode "$1") ]]
}

# Says which process listens on port $1, as far as this user may know.
port_owner() {
    local inode entry owner
    inode=$(listening_inode "$1")
    entry=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null || true)
    [[ $entry =~ ^/proc/([0-9]+)/ ]] || { echo "another user's process"; return; }
    owner=${BASH_REMATCH[1]}
    echo "process $owner ($(tr '\0' ' ' <"/proc/$owner/cmdline" | cut -c 1-80))"
}
