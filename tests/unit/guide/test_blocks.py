from tests.guide.blocks import Block, Step, list_orphans, list_steps, read_blocks

TEXT = """\
# Title

## Start

```sh
echo one
echo two
```

Some words.

<!-- varies: balance held -->
```json
{"balance": "1.00"}
```

## Next

```python
print(1)
```
"""
SHELL = Block("sh", "echo one\necho two\n", 5, "Start")
JSON = Block("json", '{"balance": "1.00"}\n', 13, "Start", frozenset({"balance", "held"}))
PYTHON = Block("python", "print(1)\n", 19, "Next")


def test_read_blocks_tells_language_text_line_section_and_what_varies():
    assert list(read_blocks(TEXT)) == [SHELL, JSON, PYTHON]


def test_list_steps_gives_a_command_the_output_that_follows():
    assert list_steps([SHELL, JSON, PYTHON]) == [Step(SHELL, JSON), Step(PYTHON, None)]


def test_list_orphans_names_outputs_without_command_and_languages_that_nobody_runs():
    console = Block("console", "$ echo\n", 30, "Next")

    assert list_orphans([SHELL, JSON, PYTHON]) == []
    assert list_orphans([JSON, SHELL, JSON, JSON, console]) == [console, JSON, JSON]
