"""The commands; each reads its arguments, calls one verb of the API, and prints its result."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

import discern
from discern.cli.render import check_out, present, print_json, print_line
from discern.cli.words import Command, Group
from discern.errors import ConfigError, ImageError
from discern.i18n import _

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    cls=Group,
    help=_("discern: turn a folder of images into an image classifier, and see inside it."),
    rich_markup_mode=None,  # plain help starts in half the time
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)

Json = Annotated[bool, Option("--json", help=_("Print JSON lines on stdout."))]
Data = Annotated[
    str, Argument(metavar="DATA", help=_("A folder, a .parquet, .csv or .json file, wds:SHARDS, or a name."))
]
ModelCode = Annotated[
    str | None,
    Option("--model-code", metavar="FILE.py:FUNCTION", help=_("The function that builds a network of your own.")),
]
Target = Annotated[
    str | None, Option(metavar="COLUMN", help=_("Column of a table to predict (chosen automatically if omitted)."))
]
Image = Annotated[str | None, Option(metavar="COLUMN", help=_("Column of a table with the images' paths."))]
Label = Annotated[str | None, Option(metavar="COLUMN", help=_("Column with the images' classes."))]
Split = Annotated[str | None, Option(metavar="COLUMN", help=_("Column that says train, validation or test."))]
GroupBy = Annotated[
    str | None,
    Option(
        "--group", metavar="COLUMN_OR_PATTERN", help=_("What no split divides: a column, or a pattern over the path.")
    ),
]
Set = Annotated[
    list[str] | None, Option("--set", metavar="NAME=VALUE", help=_("Any other setting, for example lr=0.05."))
]
Features = Annotated[
    str | None,
    Option(
        metavar="NAMES",
        help=_("Features of a classical model: pixels, color, hog, handcrafted, embedding:NET or embedding:RUN."),
    ),
]
Run = Annotated[Path, Argument(metavar="RUN", help=_("Run directory."))]
Model = Annotated[Path, Argument(metavar="RUN", help=_("Run directory, folder with model.json, or Keras file."))]
Out = Annotated[Path | None, Option(metavar="FILE", help=_("Save the result as .png, .svg, .gif, .html or .json."))]


def _print_version(requested: bool) -> None:
    if requested:
        print_line(f"discern {discern.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help=_("Print the version and exit."))
    ] = False,
    debug: Annotated[bool, Option("--debug", help=_("Show the traceback of an error."))] = False,
) -> None:
    """Options of every command; --debug is read in `discern.cli.main`."""


@app.command(cls=Command, help=_("Inspect a data set: classes, split and audit."))
def data(
    data: Data,
    seed: Annotated[int, Option(help=_("Random seed of the split."))] = 0,
    image: Image = None,
    label: Label = None,
    split: Split = None,
    group: GroupBy = None,
    target: Target = None,
    set_: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    check_out(out)
    given = _given(image=image, label=label, split=split, group=group, target=target)
    present(discern.inspect_data(data, seed=seed, **given, **discern.parse_settings(set_ or [])), as_json, out)


@app.command(cls=Command, help=_("Train a classifier and write a run directory."))
def train(
    data: Annotated[str | None, Argument(metavar="DATA", help=_("Training data; not needed with --resume."))] = None,
    model: Annotated[
        str, Option(metavar="NAMES", help=_("Models that `discern models` lists, separated by commas, or auto."))
    ] = "auto",
    recipe: Annotated[
        str | None,
        Option(metavar="NAME", help=_("Source of the default settings: auto, fast (small images) or lecture.")),
    ] = None,
    epochs: Annotated[int | None, Option(help=_("Number of epochs."))] = None,
    seed: Annotated[int | None, Option(help=_("Random seed."))] = None,
    pretrained: Annotated[
        bool, Option("--pretrained", help=_("Start from the official weights; downloaded if necessary."))
    ] = False,
    weights: Annotated[
        str | None, Option(metavar="FILE_OR_RUN", help=_("Start from a weights file or a run of yours."))
    ] = None,
    finetune: Annotated[
        str | None, Option(metavar="PART", help=_("What to train of a pretrained network: head, all or head+all."))
    ] = None,
    out: Annotated[Path | None, Option(metavar="RUN", help=_("Run directory to write."))] = None,
    resume: Annotated[Path | None, Option(metavar="RUN", help=_("Resume an interrupted run."))] = None,
    model_code: ModelCode = None,
    features: Features = None,
    search: Annotated[
        str | None, Option(metavar="KIND", help=_("Search a classical model's settings by cross-validation: grid."))
    ] = None,
    cv: Annotated[int | None, Option(metavar="FOLDS", help=_("Folds of --search (default 5)."))] = None,
    image: Image = None,
    label: Label = None,
    split: Split = None,
    group: GroupBy = None,
    target: Target = None,
    set_: Set = None,
    settings: Annotated[
        bool, Option("--settings", help=_("List every setting, with what DATA would choose, and exit."))
    ] = False,
    as_json: Json = False,
) -> None:
    flags = {"recipe": recipe, "epochs": epochs, "seed": seed, "weights": weights, "finetune": finetune}
    flags |= {"features": features, "search": search, "cv": cv, "target": target, "pretrained": pretrained or None}
    given = _given(**flags, image=image, label=label, split=split, group=group) | discern.parse_settings(set_ or [])
    models = [name.strip() for name in model.split(",")]
    if settings:
        present(discern.list_settings(models[0], data, **given), as_json)
        return
    reporter = discern.show_progress(as_json)
    result = _train(data, models, resume, out=out, model_code=model_code, reporter=reporter, **given)
    if os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0":  # one of torchrun's prints
        present(result, as_json)


def _given(**flags: Any) -> dict[str, Any]:
    """Return the flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def _train(data: str | None, models: list[str], resume: Path | None, model_code: str | None, **given: Any) -> Any:
    """Train one model, or several on one split."""
    if len(models) == 1:
        return discern.train(data, models[0], resume=resume, model_code=model_code, **given)
    if resume or model_code or data is None:
        raise ConfigError(_("Several models are trained on DATA, without --resume and --model-code."))
    return discern.train_many(data, models, **given)


@app.command(cls=Command, help=_("Evaluate a run on its test split or on other labeled data."))
def evaluate(
    run: Model,
    data: Annotated[str | None, Argument(metavar="DATA", help=_("Other labeled data."))] = None,
    positive: Annotated[
        str | None, Option(metavar="CLASS", help=_("Choose a decision threshold for this one of two classes."))
    ] = None,
    false_negative_cost: Annotated[
        float | None,
        Option(metavar="COST", help=_("With --positive: cost of a false negative; a false positive costs 1.")),
    ] = None,
    min_recall: Annotated[
        float | None, Option(metavar="FRACTION", help=_("With --positive: the least recall to reach."))
    ] = None,
    model_code: ModelCode = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    check_out(out)
    if positive is None and (false_negative_cost is not None or min_recall is not None):
        raise ConfigError(_("--false-negative-cost and --min-recall require --positive CLASS."))
    if positive is None:
        present(discern.evaluate(run, data, model_code=model_code), as_json, out)
        return
    if data is not None:
        raise ConfigError(_("A threshold is chosen on the run's own splits: remove DATA or --positive."))
    threshold = discern.choose_threshold(run, positive, false_negative_cost=false_negative_cost, min_recall=min_recall)
    present(threshold, as_json, out)


@app.command(cls=Command, help=_("Write the report of a run again, in your language."))
def report(
    run: Run,
    out: Annotated[Path | None, Option(metavar="FILE.html", help=_("File to write, if not in the run."))] = None,
    as_json: Json = False,
) -> None:
    path = discern.report(run, out=out)
    print_json({"report": str(path)}) if as_json else print_line(_("Report: {path}").format(path=path))


@app.command(cls=Command, help=_("Compare finished runs: accuracy, uncertainty, size and speed."))
def compare(
    runs: Annotated[list[Path], Argument(metavar="RUN", help=_("Runs with the same test split."))],
    sort: Annotated[
        str, Option(metavar="KEY", help=_("accuracy, loss, parameters, size, training, latency, batch, memory, name."))
    ] = "accuracy",
    model_code: ModelCode = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    check_out(out)
    present(discern.compare(runs, sort=sort, model_code=model_code), as_json, out)


@app.command(cls=Command, help=_("Classify images, or predict the rows of a table."))
def predict(
    model: Model,
    images: Annotated[list[Path], Argument(metavar="IMAGE", help=_("Images, folders of images, or tables."))],
    top_k: Annotated[int, Option(min=1, help=_("Number of classes to print."))] = 3,
    model_code: ModelCode = None,
    as_json: Json = False,
) -> None:
    failed = False
    classifier = discern.load(model, model_code=model_code)
    for notice in classifier.notices:
        print(notice.text(), file=sys.stderr)
    for prediction in discern.predict(classifier, images, top_k=top_k):
        if isinstance(prediction, ImageError):
            failed = True
            print(_("Error: {message}").format(message=prediction), file=sys.stderr)
        else:
            present(prediction, as_json)
    if failed:
        raise typer.Exit(1)


@app.command(cls=Command, help=_("Explain a model's prediction for an image."))
def explain(
    run: Model,
    image: Annotated[Path, Argument(metavar="IMAGE", help=_("Image to explain."))],
    method: Annotated[
        str,
        Option(
            metavar="NAME",
            help=_(
                "gradcam, gradcam++, cam, saliency, integrated-gradients, guided-backprop, occlusion, all; "
                "features, filters, deconv, arithmetic, nearest, embedding, embedding-tsne."
            ),
        ),
    ] = "gradcam",
    layer: Annotated[
        str | None, Option(metavar="NAME", help=_("A stage or a layer (chosen automatically if omitted)."))
    ] = None,
    class_: Annotated[
        str | None, Option("--class", metavar="CLASS", help=_("Class to explain (the most probable if omitted)."))
    ] = None,
    cell: Annotated[
        str | None, Option(metavar="CHANNEL,ROW,COLUMN", help=_("With --method arithmetic: the output to compute."))
    ] = None,
    model_code: ModelCode = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    check_out(out)
    result = discern.explain(run, image, method=method, layer=layer, class_=class_, cell=cell, model_code=model_code)
    present(result, as_json, out)
    if out is None and not as_json:
        print_line(_("To see the figure, add: --out FILE.png"))


@app.command(cls=Command, help=_("List models, describe them, or compare them."))
def models(
    names: Annotated[
        list[str] | None, Argument(metavar="NAME", help=_("Models to describe (all are listed if omitted)."))
    ] = None,
    size: Annotated[int | None, Option(min=8, help=_("Image size in pixels."))] = None,
    layers: Annotated[bool, Option("--layers", help=_("Print every layer."))] = False,
    compare: Annotated[bool, Option("--compare", help=_("Compare the models in one table."))] = False,
    time: Annotated[bool, Option("--time", help=_("Compare, with speed measured on this machine."))] = False,
    zoo: Annotated[str | None, Option(metavar="NAME", help=_("A published table of networks: lecture."))] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    check_out(out)
    names = names or []
    if zoo is not None:
        present(discern.published_table(zoo), as_json, out)
    elif compare or time:
        present(discern.compare_models(names, size=size, time=time), as_json, out)
    elif not names:
        if size is not None or layers:
            raise ConfigError(_("--size and --layers require a model, for example: discern models resnet18 --layers."))
        present(discern.list_models(), as_json, out)
    elif out is not None and len(names) > 1:
        raise ConfigError(_("--out takes one model at a time, or --compare."))
    for name in names if not (zoo or compare or time) else ():
        present(discern.describe_model(name, size=size, layers=layers), as_json, out)


@app.command(
    cls=Command,
    help=_("Work through a lecture's mathematics, step by step."),
    add_help_option=False,  # a lab has its own options, and so its own help
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def lab(
    context: typer.Context,
    name: Annotated[str | None, Argument(metavar="NAME", help=_("Lab to run (all are listed if omitted)."))] = None,
) -> None:
    from discern.cli.lab import run_lab

    if name is None or name in ("-h", "--help"):
        present(discern.list_labs())
    else:
        run_lab(name, context.args)


@app.command(cls=Command, help=_("Show versions, speed, and where data and weights are."))
def doctor(as_json: Json = False) -> None:
    present(discern.doctor(), as_json)
