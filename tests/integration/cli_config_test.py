"""The settings file: every verb has its section, and what is one verb's does not disturb another."""

import re
import sys

from support_cli import Place

NO_ID = "nonsense"  # read after all settings


def words_of(text):
    """The verbs of a list."""
    return re.findall(r"^  ([a-z]+) ", text, re.M)


def verbs(place):
    """Each verb that has keys of its own, as its words, with them."""
    found = {}
    for first in words_of(place.weft("help").stdout):
        inner = words_of(place.weft(first, "--help").stdout)
        for words in [(first, second) for second in inner] or [(first,)]:
            text = place.weft(*words, "--help").stdout
            if "--config" in text and first != "help":
                found[words] = set(re.findall(r"--([a-z-]+)", text.split("\n\n", 2)[2])) - {"config", "help"}
    return {words: keys for words, keys in found.items() if keys}


def ask(place, text, *words):
    with open(f"{place.path}/weft.zpl", "w", encoding="ascii") as file:
        file.write(text)
    return place.weft(*(words or ("job", "show", NO_ID)), WEFT_CONFIG="weft.zpl")


def every_verb_may_have_a_section(place, found):
    assert ("broker",) in found and ("job", "show") in found, found
    sections = {words[0]: sorted(keys)[0] for words, keys in found.items()}
    answer = ask(place, "".join(f"{verb}\n    {key} = 1\n" for verb, key in sections.items()), "push", "NoType")
    assert "section" not in answer.stderr, answer
    answer = ask(place, "nosuch\n    lease = 1s\n", "push", "NoType")
    assert "section" in answer.stderr, answer


def every_key_may_stand_at_the_top(place, found):
    keys = set().union(*found.values()) - {"broker", "output", "give-up", "wait"}
    assert len(keys) > 50, keys
    answer = ask(place, "".join(f"{key} = 1\n" for key in sorted(keys)))
    assert answer.returncode == 64 and "is not an id" in answer.stderr, answer


def a_section_is_read(place, _):
    answer = ask(place, "job\n    output = xml\n")
    assert answer.returncode == 64 and "in the file, output" in answer.stderr, answer
    answer = ask(place, "batch\n    output = xml\n", "batch", "show", NO_ID)
    assert answer.returncode == 64 and "in the file, output" in answer.stderr, answer


def slips_are_told(place, _):
    answer = ask(place, "brokr\n    lease = 1s\n")
    assert answer.returncode == 64 and "did you mean broker?" in answer.stderr, answer
    answer = ask(place, "leese = 1s\n")
    assert answer.returncode == 64 and "did you mean lease?" in answer.stderr, answer


def main():
    with Place() as place:
        found = verbs(place)
        for test in (every_verb_may_have_a_section, every_key_may_stand_at_the_top, a_section_is_read,
                     slips_are_told):
            test(place, found)
            print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
