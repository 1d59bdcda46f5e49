"""The commands; each reads its arguments, calls one verb of the API, and prints what came back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from discern import __version__
from discern.i18n import _

app = typer.Typer(
    help=_("discern: make an image classifier out of a folder of pictures, and see inside it."),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts in half the time
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help=_("Print lines for programs on stdout."))]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help=_("A folder, a .parquet, .csv or .json file, wds:SHARDS, or a name."))
]
Code = Annotated[
    str | None, typer.Option("--code", metavar="FILE.py:FUNCTION", help=_("What made the network, if you wrote it."))
]
Target = Annotated[
    str | None, typer.Option(metavar="COLUMN", help=_("Of a table of numbers, the column to learn; else chosen."))
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help=_("A run directory."))]


def _version(asked: bool) -> None:
    if asked:
        print(f"discern {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=_("Print the version."))
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help=_("Show the traceback of an error."))] = False,
) -> None:
    """Options of every command; --debug is read in `discern.cli.main`."""


def emit(value: dict[str, Any]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


@app.command(help=_("What is in a data set: classes, split and audit."))
def data(
    data: Data,
    seed: Annotated[int, typer.Option(help=_("Of the split."))] = 0,
    target: Target = None,
    as_json: Json = False,
) -> None:
    import discern
    from discern.cli.show import show_data

    found = discern.inspect(data, seed=seed, target=target or "")
    emit(found.to_json()) if as_json else show_data(found.to_json())


@app.command(help=_("Train a classifier; the result is a run directory."))
def train(
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help=_("What to learn from; not needed with --resume."))
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAMES", help=_("Models that `discern models` lists, with commas between, or auto."))
    ] = "auto",
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=_("Where settings come from: auto, fast (small pictures) or lecture.")),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help=_("Passes over the training pictures."))] = None,
    seed: Annotated[int | None, typer.Option(help=_("What all randomness follows from."))] = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help=_("Start from official weights, fetched where need be."))
    ] = False,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE_OR_RUN", help=_("Start from a weights file or a run of your own."))
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="PART", help=_("What to train of given weights: head, all or head+all."))
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help=_("Where to put the run."))] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help=_("Go on with a run that was stopped."))] = None,
    code: Code = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=_("What a classical model sees: pixels, color, hog, hand, embedding:NET or embedding:RUN; color,hog."),
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="KIND", help=_("Choose a classical model's settings by cross-validation: grid.")),
    ] = None,
    cv: Annotated[int | None, typer.Option(metavar="FOLDS", help=_("With --search: how many folds; 5."))] = None,
    target: Target = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=_("Any other setting, for example lr=0.05."))
    ] = None,
    as_json: Json = False,
) -> None:
    from discern.cli.train import train
    from discern.training.config import parse_settings

    asked: dict[str, Any] = {"epochs": epochs, "seed": seed, "pretrained": pretrained, "weights": weights}
    asked |= {"tune": tune, "out": out, "resume": resume, "code": code, "features": features}
    asked |= {"search": search, "cv": cv, "target": target}
    asked["settings"] = parse_settings(settings or []) | ({"recipe": recipe} if recipe else {})
    train(data, model, asked, as_json)


@app.command(help=_("How good a run is, on its test part or other data."))
def evaluate(
    run: Run,
    data: Annotated[str | None, typer.Option("--data", metavar="DATA", help=_("Other labelled data."))] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="CLASS", help=_("Of two classes the one to find: choose a threshold for it."))
    ] = None,
    miss_cost: Annotated[
        float | None, typer.Option(metavar="COST", help=_("With --positive: what a miss costs, in false alarms."))
    ] = None,
    least_recall: Annotated[
        float | None, typer.Option(metavar="SHARE", help=_("With --positive: the share that must be found."))
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    from discern.cli.evaluate import evaluate

    evaluate(run, data, positive, miss_cost, least_recall, code, as_json)


@app.command(help=_("Make a run's report.html again, in your language; of an interrupted run, what is there."))
def report(run: Run, as_json: Json = False) -> None:
    import discern
    from discern.cli.show import line

    path = discern.report(run)
    emit({"report": str(path)}) if as_json else line(_("Report: {path}").format(path=path))


@app.command(help=_("Finished runs side by side: how good, how sure, how large and how fast."))
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help=_("Runs with the same test part."))],
    sort: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help=_("accuracy, loss, parameters, size, training, latency, batch, memory or name."),
        ),
    ] = "accuracy",
    save: Annotated[
        Path | None, typer.Option(metavar="F.html|F.png", help=_("Where to put table and drawings, or the drawings."))
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    from discern.cli.compare import compare

    compare(runs, sort, code, save, as_json)


@app.command(help=_("Name what is in pictures, or what rows of a table are."))
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="RUN_OR_BUNDLE", help=_("A run, a folder with model.json, or a Keras file."))
    ],
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE_OR_FOLDER...", help=_("What to look at."))],
    top: Annotated[int, typer.Option(min=1, help=_("How many classes to name."))] = 3,
    code: Code = None,
    as_json: Json = False,
) -> None:
    import discern
    from discern.cli.show import show_prediction
    from discern.errors import PictureError

    bad = 0
    for found in discern.predict(model, pictures, top=top, code=code):
        if isinstance(found, PictureError):
            bad += 1
            print(_("Error: {sentence}").format(sentence=found), file=sys.stderr)
        elif as_json:
            emit(found.to_json())
        else:
            show_prediction(found)
    if bad:
        raise typer.Exit(1)


@app.command(help=_("What in a picture made a model answer as it did."))
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help=_("A run, a folder with model.json, or a Keras file."))],
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help=_("What the model looks at."))],
    method: Annotated[
        str,
        typer.Option(
            metavar="M",
            help=_(
                "gradcam, gradcam++, cam, saliency, integrated-gradients, guided-backprop, occlusion, all; "
                "features, filters, deconv, arithmetic, nearest, embedding, embedding-tsne."
            ),
        ),
    ] = "gradcam",
    layer: Annotated[str | None, typer.Option(metavar="L", help=_("A stage or a layer; chosen unless given."))] = None,
    class_: Annotated[
        str | None,
        typer.Option("--class", metavar="C", help=_("The class to explain: the most probable unless given.")),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="CHANNEL,ROW,COLUMN", help=_("Which number arithmetic works out."))
    ] = None,
    save: Annotated[Path | None, typer.Option(metavar="F.png", help=_("Where to put the drawing."))] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    import discern
    from discern.cli.explain import parse_cell, show_explanation
    from discern.figures import ENDINGS, check_ending

    if save is not None:
        check_ending(save, ENDINGS)
    found = discern.explain(run, picture, method, layer, class_, code, parse_cell(cell))
    if save is not None:
        found.save(save)
    emit(found.to_json()) if as_json else show_explanation(found, save)


@app.command(help=_("The networks there are, one of them in detail, or several side by side."))
def models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help=_("Networks; all when none is named."))
    ] = None,
    size: Annotated[int | None, typer.Option(min=8, help=_("Side of the pictures, in pixels."))] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help=_("Every layer in the form of the lecture's table."))
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help=_("One table of all the names."))] = False,
    time: Annotated[bool, typer.Option("--time", help=_("Compare, with the speed measured on this machine."))] = False,
    zoo: Annotated[str | None, typer.Option(metavar="NAME", help=_("A printed table of networks: lecture."))] = None,
    as_json: Json = False,
) -> None:
    if zoo is not None:
        from discern.cli.zoo import show_zoo

        show_zoo(zoo, as_json)
        return
    from discern.cli.models import models

    models(names or [], size, layers, compare, time, as_json)


@app.command(
    help=_("A lecture's mathematics, every step visible; all labs when none is named."),
    add_help_option=False,  # a lab has its own options, and so its own help
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def lab(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help=_("Of a lab."))] = None,
) -> None:
    from discern.cli.lab import run_lab, show_labs

    show_labs() if name is None or name in ("-h", "--help") else run_lab(name, context.args)


@app.command(help=_("This machine: versions, speed, and where data is looked for."))
def doctor(as_json: Json = False) -> None:
    import discern
    from discern.cli.show import show_doctor

    facts = discern.doctor()
    emit(facts) if as_json else show_doctor(facts)
