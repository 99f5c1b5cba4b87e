#!/bin/sh
# The handler of poison.py, which does what its job says: lib_poison.sh RUNS [lines]. A line of the file RUNS for each job that is
# begun.
runs=$1

do_alone() {
    case $1 in
    crash) kill -SEGV $$ ;;
    hang) exec sleep 1000 ;;
    flood) exec head -c 2000000 /dev/zero ;;
    quit) echo "progress 4 10 nearly" >&3; exit 3 ;;
    slow) sleep 3 ;;
    esac
    echo "\"$1\""
}

answer() {
    printf '{"job_id":"%s","ok":true,"result":"%s"}\n' "$1" "$2"
}

do_line() {
    case $1 in
    garbage) echo "this is no answer" ;;
    stranger) answer 00000000-0000-7000-8000-000000000000 "$1" ;;
    twice) answer "$2" "$1"; answer "$2" again ;;
    vanish) echo "progress 4 10 nearly" >&3; exit 0 ;;
    mute) exec sleep 1000 ;;
    long) head -c 3000000 /dev/zero | tr '\0' x; echo ;;
    *) answer "$2" "$1" ;;
    esac
}

if [ "$2" = lines ]; then
    while read -r line; do
        id=${line#*\"job_id\":\"} id=${id%%\"*}
        what=${line#*\"what\":\"} what=${what%%\"*}
        echo "$id" >>"$runs"
        do_line "$what" "$id"
    done
else
    read -r line
    what=${line#*\"what\":\"}
    echo "$WEFT_JOB_ID" >>"$runs"
    do_alone "${what%%\"*}"
fi
