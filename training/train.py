"""Trains the tiny model from scratch: every stage, its gate, and the export. Started again it goes on where it was.

Usage: python train.py [--state FOLDER] [--out FOLDER] [--threads N]
"""

import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
STATE = pathlib.Path.home() / ".cache" / "dualparal" / "training" / "run"


def stage(script, *arguments):
    print("stage", script, *arguments, flush=True)
    subprocess.run([sys.executable, HERE / script, *map(str, arguments)], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, default=STATE)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "models" / "tiny")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    stage("judge.py")
    stage("train_vae.py", "--state", args.state, "--half", "decoder", "--threads", args.threads)
    stage("train_vae.py", "--state", args.state, "--half", "encoder", "--threads", args.threads)
    stage("gate_vae.py", "--vae", args.state)
    stage("train_transformer.py", "--state", args.state, "--threads", args.threads)
    stage("export.py", "--transformer", args.state, "--vae", args.state, "--out", args.out)
    stage("gate_film.py", "--model", args.out)


if __name__ == "__main__":
    main()
