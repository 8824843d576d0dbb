"""Trains the tiny model from scratch: every stage, its gate, and the export. Started again it goes on where it was.

A stage starts only when the gate before it holds. With --scale below 1 every stage is cut short and no gate stops it: the
way to see within minutes that everything runs.

Usage: python train.py [--state FOLDER] [--out FOLDER] [--threads N] [--scale S]
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parent / "models" / "tiny"
STATE = pathlib.Path.home() / ".cache" / "dualparal" / "training" / "run"
STEPS = {"decoder": 2000, "encoder": 500, "transformer": 6000}


def stage(script, *arguments, must_hold=True):
    print("stage", script, *arguments, flush=True)
    code = subprocess.run([sys.executable, HERE / script, *map(str, arguments)]).returncode
    if code != 0 and must_hold:
        raise SystemExit(f"{script} ended with code {code}; the stages after it were not started")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, default=STATE)
    parser.add_argument("--out", type=pathlib.Path, default=MODEL)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="share of every stage's steps")
    args = parser.parse_args()
    steps = {name: max(2, round(count * args.scale)) for name, count in STEPS.items()}
    common = ("--state", args.state, "--threads", args.threads)
    gates_hold = args.scale >= 1
    stage("judge.py")
    for half in ("decoder", "encoder"):
        stage("train_vae.py", *common, "--half", half, "--steps", steps[half])
    stage("gate_vae.py", "--vae", args.state, must_hold=gates_hold)
    stage("train_transformer.py", *common, "--steps", steps["transformer"])
    stage("export.py", "--transformer", args.state, "--vae", args.state, "--out", args.out)
    if args.out.resolve() != MODEL.resolve():
        shutil.copy(MODEL / "world.json", args.out)
    stage("gate_film.py", "--model", args.out, must_hold=gates_hold)


if __name__ == "__main__":
    main()
