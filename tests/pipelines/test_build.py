"""`build` from outside: what it makes, what it does not do twice, what it refuses. Real commands, tiny networks.

Run: pytest tests/pipelines/test_build.py
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from athanor.train import checkpoint

# A network that learns in a second, for tests of everything around the learning.
TINY = (
    "model.layers=1", "model.width=32", "model.heads=2", "model.kv_heads=1", "model.inner=48", "model.context=64",
    "tokenizer.vocabulary=400", "train.batch_size=4", "train.precision=float32",
)  # fmt: skip
STEPS = (*TINY, "train.steps=12")


def error(done: subprocess.CompletedProcess[str], code: int) -> dict:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)["error"]
    assert found["message"] and found["remedy"]
    return found


def test_build_makes_everything_once_and_says_what_it_made(call, athanor, folder):
    built = call("build", folder, "--name", "mine", "--force", *STEPS)
    assert built["steps"] == 12 and built["cached"] is False
    documents = built["documents"]
    assert documents["read"] == documents["kept"] + sum(documents["dropped"].values())
    report = Path(built["report_path"])
    text = (report / "report.md").read_text("utf-8")
    assert text.splitlines()[0].startswith("This model can") and "cannot" in text.splitlines()[0]
    assert (report / "report.png").read_bytes().startswith(b"\x89PNG")
    assert {"quality", "diversity", "speed"} <= set(json.loads((report / "report.json").read_text())["figures"])

    again = call("build", folder, "--name", "mine", "--force", *STEPS)
    assert again["cached"] and again["id"] == built["id"]
    other = call("build", folder, "--name", "other", "--force", *STEPS)
    assert other["model"] == built["model"]

    (folder / "new.md").write_text("# Gulls\n\n" + "The gulls of the north quay sleep standing on one leg. " * 8)
    changed = call("build", folder, "--name", "mine", "--replace", "--force", *STEPS)
    assert changed["model"] != built["model"] and changed["corpus"] != built["corpus"]
    (folder / "new.md").unlink()
    back = call("build", folder, "--name", "back", "--force", *STEPS)
    assert back["cached"] and back["model"] == built["model"]
    assert call("show", built["model"])["id"] == built["model"]
    assert call("store", "verify")["damaged"] == []


def test_a_run_by_the_clock_repeats_by_its_steps(call, folder):
    clocked = call("build", folder, "--name", "clocked", "--force", "--minutes", 0.25, *TINY)
    chosen = call("show", clocked["model"])["resolved"]["train"]
    keys = ("steps", "falls", "warm_up", "learning_rate", "accumulate", "compile")
    words = [f"train.{key}={json.dumps(chosen[key])}" for key in keys]
    stepped = call("build", folder, "--name", "stepped", "--force", *TINY, *words)
    weights = [Path(call("show", one["model"])["path"], "model.safetensors").read_bytes() for one in (clocked, stepped)]
    assert weights[0] == weights[1]


def test_the_printed_recipe_runs(call, athanor, folder, tmp_path):
    built = call("build", folder, "--name", "mine", "--force", *STEPS)
    printed = athanor("show", "mine", "--recipe").stdout
    assert printed.startswith("step = ")
    (tmp_path / "mine.toml").write_text(printed)
    again = call("run", tmp_path / "mine.toml")
    assert again["cached"] and again["model"] == built["model"]


def test_continue_goes_on_from_the_old_model(call, folder):
    first = call("build", folder, "--name", "weekly", "--force", *STEPS)
    (folder / "week.md").write_text("# This week\n\n" + "The new harbour master keeps a green parrot. " * 9)
    second = call("build", folder, "--name", "weekly", "--continue", "--force", *STEPS)
    assert second["model"] != first["model"] and second["tokenizer"] == first["tokenizer"]
    nodes = {node["id"] for node in call("lineage", second["model"])["nodes"]}
    assert first["model"] in nodes
    again = call("build", folder, "--name", "weekly", "--continue", "--force", *STEPS)
    assert again["cached"] and again["model"] == second["model"]


def test_the_recipe_of_a_model_that_went_on_repeats_it(call, athanor, folder, tmp_path):
    call("build", folder, "--name", "weekly", "--force", *STEPS)
    (folder / "week.md").write_text("# This week\n\n" + "The new harbour master keeps a green parrot. " * 9)
    falls = ("train.falls=[[4, 8]]",)
    second = call("build", folder, "--name", "weekly", "--continue", "--force", *STEPS, *falls)
    assert call("build", folder, "--name", "weekly", "--continue", "--force", *STEPS, *falls)["cached"]
    (tmp_path / "weekly.toml").write_text(athanor("show", "weekly", "--recipe").stdout)
    call("build", folder, "--name", "other", "--force", *TINY, "train.steps=3")
    error(athanor("run", tmp_path / "weekly.toml", "--name", "other", "--json"), 4)
    again = call("run", tmp_path / "weekly.toml")
    assert again["cached"] and again["model"] == second["model"]


def test_continue_keeps_the_parents_shape_and_rows(athanor, call, folder):
    """A larger budget would choose longer rows than the parent reads; another shape is refused, more steps are not."""
    first = call("build", folder, "--name", "weekly", "--force", *STEPS)
    other = ("build", folder, "--name", "weekly", "--continue", "--force", "--json", "train.steps=5")
    found = error(athanor(*other, "model.width=64", "tokenizer.vocabulary=500"), 2)
    assert "model.width=64" in found["message"] and "tokenizer.vocabulary=500" in found["message"]
    more = call(*other[:-2], "train.steps=5")
    assert not more["cached"] and more["steps"] == 5 and more["model"] != first["model"]
    assert more["planned"]["parameters"] == more["parameters"] == first["parameters"]
    assert call(*other[:-2], "train.steps=5")["cached"]


def test_two_builds_of_one_request_learn_once(athanor, call, folder, tmp_path):
    words = ("build", folder, "--force", *TINY, "train.steps=800")
    call("build", folder, "--force", *STEPS)  # corpus and tokenizer
    command = [*athanor("--version").args[:1], *map(str, words)]
    env = {**os.environ, "ATHANOR_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([*command, "--name", name], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert sum("waiting for" in words for words in said) == 1, said
    assert sum("learning" in words for words in said) == 1
    inputs = [call("lineage", name)["nodes"][1]["id"] for name in ("one", "two")]
    assert inputs[0] == inputs[1]
    assert call("list", "--runs")["runs"] == []


def killed(athanor, words, tmp_path, ready) -> None:
    """Start a build and kill it once `ready` says so of its run folder."""
    process = subprocess.Popen(
        [*athanor("--version").args[:1], *map(str, words)],
        env={**os.environ, "ATHANOR_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not any(map(ready, (tmp_path / "home/runs").glob("*"))):
        time.sleep(0.02)
    process.kill()
    process.wait(10)


def test_a_build_killed_before_its_first_checkpoint_leaves_no_rows_behind(athanor, call, folder, tmp_path):
    words = ("build", folder, "--name", "again", "--force", *TINY, "train.steps=300")
    killed(
        athanor, words, tmp_path, lambda run: (run / "metrics.jsonl").is_file() and (run / "metrics.jsonl").read_text()
    )
    built = call(*words)
    rows = Path(call("show", built["model"])["path"], "training.jsonl").read_text().splitlines()
    steps = [json.loads(row)["step"] for row in rows if "rate" in json.loads(row)]
    assert steps == sorted(set(steps)) and steps[0] == 0


def stopped(athanor, words, tmp_path) -> Path:
    """A build that was ended by SIGTERM while it learned; its run folder."""
    process = subprocess.Popen(
        [*athanor("--version").args[:1], *map(str, words)],
        env={**os.environ, "ATHANOR_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and not list((tmp_path / "home/runs").glob("*/metrics.jsonl")):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    return next((tmp_path / "home/runs").iterdir())


def test_a_resumed_run_does_not_choose_again(athanor, call, folder, tmp_path):
    """The machine may have been measured anew, and be faster or slower by then."""
    words = ("build", folder, "--name", "moved", "--force", "--minutes", 0.5, "tokenizer.vocabulary=400")
    run = stopped(athanor, words, tmp_path)
    shape = json.loads((run / "choice.json").read_text())["spec"]
    path = tmp_path / "home/cache/machine.json"
    machine = json.loads(path.read_text())
    for speed in machine["speeds"]:
        speed["flops_per_second"] *= 1000
    path.write_text(json.dumps(machine))
    resumed = call(*words, "--resume")
    assert call("show", resumed["model"])["resolved"]["model"]["width"] == shape["width"]


def test_a_run_with_nothing_left_of_its_budget_is_finished_by_resuming(athanor, call, folder, tmp_path):
    """Interrupted while it was being measured and stored, say: what it learned is not lost."""
    words = ("build", folder, "--name", "late", "--force", "--minutes", 0.5, *TINY)
    run = stopped(athanor, words, tmp_path)
    state, masters, optimiser = checkpoint.load(checkpoint.newest(run / "checkpoints"))
    step = state["progress"]["step"]
    checkpoint.save(run / "checkpoints", step, {**state, "spent": 29.0}, masters=masters, optimiser=optimiser)
    resumed = call(*words, "--resume")
    assert resumed["steps"] == step
    assert 29 < resumed["seconds"] == resumed["actual"]["seconds"] < 60


def test_a_damaged_checkpoint_stops_a_resumed_build_and_not_a_new_one(athanor, call, folder, tmp_path):
    words = ("build", folder, "--name", "hurt", "--force", *TINY, "train.steps=1500")
    run = stopped(athanor, words, tmp_path)
    state = next(run.glob("checkpoints/step-*/state.json"))
    state.write_text(state.read_text()[:-5])
    assert "damaged" in error(athanor(*words, "--resume", "--json"), 3)["message"]
    assert call(*words[:-1], "train.steps=1500")["steps"] == 1500


def test_a_budget_spent_on_reading_is_refused_with_the_minutes_it_takes(athanor, folder):
    found = error(athanor("build", folder, "--name", "hasty", "--force", "--minutes", "0.02", "--json", *TINY), 5)
    assert "nothing is left to learn in" in found["message"] and found["limit"] >= 1


def test_a_name_that_is_taken_is_refused_before_any_work(athanor, call, folder, town):
    call("build", folder, "--name", "quay", "--force", *STEPS)
    found = error(athanor("build", town / "documents", "--name", "quay", "--minutes", "5", "--json"), 4)
    assert "quay" in found["message"] and "--replace" in found["remedy"]


def test_killed_and_resumed_ends_with_the_weights_of_an_unbroken_run(athanor, call, folder, tmp_path):
    words = ("build", folder, "--force", *TINY, "train.steps=1500")
    unbroken = call(*words, "--name", "unbroken")
    weights = Path(call("show", unbroken["model"])["path"], "model.safetensors").read_bytes()
    log = Path(call("show", unbroken["model"])["path"], "training.jsonl").read_bytes()
    call("remove", "unbroken", "--yes")

    process = subprocess.Popen(
        [*athanor("--version").args[:1], *map(str, words), "--name", "broken"],
        env={**os.environ, "ATHANOR_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    rows = []
    while process.poll() is None and len(rows) < 8:
        time.sleep(0.05)
        rows = [
            line for path in (tmp_path / "home/runs").glob("*/metrics.jsonl") for line in path.read_text().splitlines()
        ]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    resumed = call(*words, "--name", "broken", "--resume")
    folder = Path(call("show", resumed["model"])["path"])
    assert (folder / "model.safetensors").read_bytes() == weights
    assert (folder / "training.jsonl").read_bytes() == log
    assert resumed["model"] == unbroken["model"]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda place: None, "empty|no document|nothing"),
        (lambda place: (place / "a.png").write_bytes(b"\x89PNG"), "png"),
        (
            lambda place: [
                (place / f"{n}.txt").write_text(f"Boat number {n} is painted blue, as ever.") for n in range(3)
            ],
            "--force",
        ),
    ],
)
def test_hopeless_folders_are_refused_in_words(athanor, tmp_path, make, word):
    place = tmp_path / "hopeless"
    place.mkdir()
    make(place)
    done = athanor("build", place, "--name", "x", "--json")
    error(done, 3)
    assert re.search(word, done.stderr, re.I), done.stderr


def test_dry_run_changes_nothing(athanor, call, folder, tmp_path):
    call("list")
    plan = call("build", folder, "--name", "dry", "--minutes", "7", "--dry-run")
    assert plan["planned"]["seconds"] == pytest.approx(420)
    built = {"id", "model", "report", "report_path", "documents", "actual", "questions", "tokens_per_second"}
    assert built <= set(plan) and plan["model"] is None
    kept = {path.relative_to(tmp_path / "home").parts[0] for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert kept <= {"cache", "locks"}
    error(athanor("show", "dry", "--json"), 4)


def test_chats_that_answer_beyond_a_row_are_refused_in_words(athanor, tmp_path):
    """Every question is longer than what the model reads at once."""
    question = "Which of the boats that lie at the north quay in winter are painted blue every year? " * 12
    rows = [[("user", f"{n} {question} {n * n}"), ("assistant", f"The {n}th.")] for n in range(30)]
    messages = [{"messages": [{"role": role, "content": words} for role, words in row]} for row in rows]
    place = tmp_path / "long"
    place.mkdir()
    (place / "chats.jsonl").write_text("\n".join(map(json.dumps, messages)))
    found = error(athanor("build", place, "--name", "long", "--force", "--json", *STEPS), 3)
    assert "64 tokens" in found["message"] and "model.context" in found["remedy"]


def test_what_is_not_learned_is_said(athanor, folder):
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7")
    said = athanor("build", folder, "--name", "said", "--force", *STEPS)
    assert "not read, since of other kinds: 1 .pdf" in said.stderr and "data.holdout=0" in said.stderr
    assert re.search(r"^next: ATHANOR_HOME=\S+/home \S*athanor chat said$", said.stdout, re.M)
    shown = athanor("show", "said").stdout
    assert "M parameters" in shown and "held-out bits per byte" in shown and "report.md" in shown
    whole = athanor("build", folder, "--name", "whole", "--force", *STEPS, "data.holdout=0")
    assert "held out" not in whole.stderr and "nothing held out to measure with" in whole.stdout


def test_a_learning_rate_that_breaks_the_loss_ends_in_a_sentence(athanor, folder):
    done = athanor(
        "build", folder, "--name", "icarus", "--force", "--json", *TINY, "train.steps=60", "train.learning_rate=1e38"
    )
    assert error(done, 3)["message"].startswith("The loss was no finite number")


def test_generate_evaluate_and_chat_use_what_was_built(athanor, call, folder, tmp_path):
    call("build", folder, "--name", "mine", "--force", *STEPS)
    one, two = (call("generate", "mine", "The harbour", "--max-tokens", 8, "--seed", 5)["token_ids"] for _ in range(2))
    assert one == two and len(one) <= 8
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "Who?", "answer": "zxqv", "language": "en"}\n')
    found = call("evaluate", "mine", "--questions", questions)
    assert (found["n"], found["exact_match"], found["cached"]) == (1, 0.0, False)
    again = call("evaluate", "mine", "--questions", questions)
    assert again == {**found, "cached": True}
    assert call("evaluate", "mine", "--questions", questions, "--seed", 1)["report"] != found["report"]
    assert json.loads(Path(found["answers"]).read_text())["expected"] == "zxqv"
    error(athanor("evaluate", "no-such-name", "--json"), 4)
    error(athanor("generate", "mine", "x", "--temperature", "-1", "--json"), 2)


def test_a_question_longer_than_the_context_counts_as_unanswered(athanor, folder, tmp_path):
    questions = tmp_path / "q.jsonl"
    rows = [f"Who keeps the lamp {number}?" for number in range(5)] + ["Who keeps the harbour book? " * 30]
    questions.write_text(
        "".join(json.dumps({"question": row, "answer": "he", "language": "en"}) + "\n" for row in rows)
    )
    done = athanor("build", folder, "--name", "mine", "--force", "--json", "--questions", questions, *STEPS)
    assert done.returncode == 0, done.stderr
    assert "1 questions (rows 6)" in done.stderr
    built = json.loads(done.stdout)
    assert (built["questions"]["n"], built["questions"]["unanswered"]) == (6, 1)
    assert "rows 6" in Path(built["report_path"], "report.md").read_text("utf-8")


def test_a_prompt_that_is_no_unicode_is_refused(athanor, call, folder):
    call("build", folder, "--name", "mine", "--force", *STEPS)
    assert "Unicode" in error(athanor("generate", "mine", "caf\udce9", "--json"), 3)["message"]
