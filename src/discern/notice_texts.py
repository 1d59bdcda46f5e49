"""Every sentence that a notice can be, by its code, room by room; `discern.notices` fills and translates them.

A code is ``room.what``. Numbers carry their format in the sentence: ``{n:,}``, ``{accuracy:.4f}``, ``{fraction:.1%}``.
A code without a room prefix of its own (``word.*``) is a word or a phrase that sentences take as a field.
"""

from __future__ import annotations

from discern.i18n import N_

TEXTS: dict[str, str] = {
    # words
    "word.train": N_("training"),
    "word.validation": N_("validation"),
    "word.test": N_("test"),
    "word.images": N_("images"),
    "word.rows": N_("rows"),
    "word.n_images": N_("{n:,} images"),
    "word.n_rows": N_("{n:,} rows"),
    "word.n_train_images": N_("{n:,} training images"),
    "word.n_train_rows": N_("{n:,} training rows"),
    "word.n_validation_images": N_("{n:,} validation images"),
    "word.n_validation_rows": N_("{n:,} validation rows"),
    "word.n_test_images": N_("{n:,} test images"),
    "word.n_test_rows": N_("{n:,} test rows"),
    "word.n_seconds": N_("{n:.0f} seconds"),
    "word.n_minutes": N_("{n:.0f} minutes"),
    "word.n_hours": N_("{n:.1f} hours"),
    # data: opening
    "data.empty_classes": N_("Classes without images are left out ({n}): {names}."),
    "data.no_split_trains": N_("Examples that are given to no split are used for training."),
    "data.validation_used_as_test": N_(
        "'{split}' is the only labeled split beside '{train}', so it is used as the test split, scored once; the "
        "validation split that chooses the model is cut from '{train}'."
    ),
    "data.shadows_builtin": N_(
        "'{name}' is the {path} here, not the built-in data set of that name: rename it to use the built-in one."
    ),
    "data.found_in_data_folder": N_("'{name}' is {path}."),
    "data.files_left_out": N_("Files that belong to no split are left out: {names}."),
    "data.folders_left_out": N_("Folders that belong to no split are left out: {names}."),
    "data.rows_left_out": N_("Rows whose split is none of train, validation, test are left out: {names}."),
    "data.loose_images_left_out": N_("Images beside the class folders are left out ({n:,})."),
    "data.splits_by_name": N_("Folders taken for splits, by their names: {names}."),
    "data.splits_in_classes": N_("Every class folder is divided into splits ({names}), which are respected."),
    "data.classes_inside": N_("The classes are the folders inside {names}."),
    "data.folds": N_(
        "The same class folders are in {names}: these are folds, each of which stays whole in one of the splits that "
        "are cut (--group PATTERN groups otherwise)."
    ),
    "data.repeated_classes": N_(
        "The same class folders ({classes}) are in each of {names}: they are the classes, and all their images one "
        "data set (--group '(.*?)/' keeps each of {names} in one split, --set class_depth=1 learns to tell them apart)."
    ),
    "data.folders_in_classes": N_(
        "Images in folders inside a class folder count to that class ({n:,} folders: {names}); if those are the "
        "classes, --set class_depth={depth}."
    ),
    "data.doubtful_classes": N_(
        "{names}: taken as a class, by a name that classes seldom have; if it is none, move it elsewhere."
    ),
    "data.images_by_content": N_(
        "Files without the ending of an image are taken, because their first bytes are an image's ({n:,}: {kinds})."
    ),
    "data.other_files_left_out": N_("Files that are not read as images are left out ({n:,}: {kinds})."),
    "data.hidden_left_out": N_("Hidden files and folders are left out ({n:,})."),
    "data.links_followed": N_("Symbolic links are followed ({n:,})."),
    "data.loops_left_out": N_("Links to a folder that they lie in are left out ({n:,})."),
    "data.single_class": N_("There is one class only, {name}: enough to evaluate a model, too few to train one."),
    "data.similar_classes": N_(
        "Class names that differ only in letter case, spaces or width: {names}. They are learned as different "
        "classes; if they are one, give them one name."
    ),
    "word.split_folder": N_("{name} ({split})"),
    "word.similar_names": N_("({names})"),
    "word.suffix_count": N_("{suffix} {n:,}"),
    "word.no_suffix": N_("no ending"),
    "data.loose_images_unlabeled": N_(
        "Images in '{folder}' outside the class folders have no label and are left for prediction ({n:,})."
    ),
    "data.shard_members_ignored": N_(
        "Only images and labels are read from the shards; {n:,} other files are ignored: {kinds}."
    ),
    "data.target": N_("{table} is a table of numbers, and {target} is the column to learn ({reason})."),
    "data.target_regression": N_(
        "{target} is a number to learn (regression); --set task=classification makes its values classes."
    ),
    "data.columns_unused": N_("The model does not read these columns: {names}."),
    "data.columns_not_numeric": N_("Columns that are not numeric are left out: {names}."),
    "data.columns_row_numbers": N_(
        "Columns of row numbers are left out: {names}. They say where a row stands, not what it is."
    ),
    "word.target_requested": N_("as requested"),
    "word.target_by_name": N_("by its name"),
    "word.target_last": N_("the last; --target COLUMN chooses another"),
    # data: tables of images
    "data.columns_chosen": N_(
        "{table} lists images, in its column {image}; {label} holds the labels; --image COLUMN and --label COLUMN "
        "choose others."
    ),
    "data.one_hot": N_(
        "The columns of {table} are read as classes, 1 marking that of an image: {names}; --label COLUMN reads one "
        "column."
    ),
    "data.columns_unread": N_("These columns are not read: {names}."),
    "data.split_values": N_("The column {column} is read as splits: {values}."),
    "data.split_not_read": N_("The column {column} is not read as splits, since it names none: {values}."),
    "data.groups": N_(
        "The column {column} is read as groups ({n:,}), each kept in one split; --group COLUMN chooses another, "
        "--group none reads none."
    ),
    "data.groups_not_read": N_(
        "The column {column} is not read as groups: its {n:,} values do not divide the classes."
    ),
    "data.paths_relative_to": N_("The paths in {table} are relative to {folder}, not to the folder of the table."),
    "data.backslashes": N_("The backslashes in {n:,} paths of {table} are read as separators of folders."),
    "data.folders_over_table": N_(
        "The labels are the names of the folders, not those in {tables}; to read these, open {path} instead."
    ),
    "data.labels_over_folders": N_(
        "{table} says otherwise than the class folders for {n:,} images and wins ({name} is {label} in it)."
    ),
    "word.value_split": N_("{value} as {split}"),
    # data: exports of other tools
    "data.unlabeled_folders": N_(
        "{names}: by this name images without a label, left for prediction ({n:,}); --set class_depth={depth} makes it "
        "a class."
    ),
    "data.unlabeled_flag": N_("Images that {file}/_classes.csv calls unlabeled are left for prediction ({n:,})."),
    "data.export": N_("Read as an export of {tool}: {names}."),
    "data.images_found_by_name": N_("{n:,} images are found by their file names below {folder}, not by their paths."),
    "data.images_not_listed": N_("Images that the export of {tool} does not list are left out ({n:,}): {names}."),
    "data.skipped_tasks_left_out": N_("Tasks that were skipped while labeling are left out ({n:,})."),
    "data.objects_not_read": N_(
        "Boxes and outlines inside images are not read ({n:,} images): the labels are those of the whole images."
    ),
    "data.annotations_disagree": N_("Annotations of one image disagree ({n:,} images): the newest is used."),
    "data.labels_file_unused": N_(
        "{name} ({tool}) labels objects or gives several labels an image, so the class folders beside it are used."
    ),
    "data.labels_file_damaged": N_("{name} is damaged and not read as labels: the class folders beside it are used."),
    "data.copies_grouped": N_(
        "Augmented copies of one original, known by their names, share a split ({n:,} images of {originals:,} "
        "originals)."
    ),
    "data.groups_by_pattern": N_(
        'Groups are what the pattern "{pattern}" finds in the paths ({n:,} groups such as {name}); each is kept in one '
        "split."
    ),
    "data.ungrouped": N_("Images whose path the pattern does not match are in no group ({n:,})."),
    # data: splits
    "split.given": N_("given by the data set"),
    "split.assigned": N_("randomly assigned (seeded)"),
    "split.assigned_with_duplicates": N_("randomly assigned (seeded), duplicates kept together"),
    "split.assigned_with_group": N_("randomly assigned (seeded), its group kept together"),
    "split.unlabeled": N_("unlabeled"),
    "split.train_limit": N_("beyond train_limit"),
    "split.excluded": N_("left out by the audit ({reason})"),
    "split.cut_test_validation": N_(
        "No splits are given: {test:,} are cut for test and {validation:,} for validation, {method}, duplicates kept "
        "together (seed {seed})."
    ),
    "split.cut_validation": N_(
        "{validation:,} are cut from train for validation, {method}, duplicates kept together (seed {seed})."
    ),
    "split.no_test": N_("There is no test split: add one to measure how well the model does on data it has not seen."),
    "split.small_classes": N_("Classes too small for every split are used for training alone: {names}."),
    "split.untrained_classes": N_(
        "No training example is of these classes, so no model learns them: {names}. Check the spelling of their names, "
        "or add examples to the training split."
    ),
    "split.unjudged": N_("Classes without a {split} example: {names}. The {split} results say nothing of them."),
    "split.unlabeled_left": N_("Unlabeled examples, left for prediction: {n:,}."),
    "split.excluded_count": N_("Left out by the audit: {n:,}."),
    "split.subsampled": N_("{n:,} of {total:,} are used for training, sampled class by class (seed {seed})."),
    "word.stratified": N_("stratified by class"),
    "word.random": N_("at random"),
    # data: audit
    "audit.missing": N_(
        "Missing files, left out ({count:,}): {names}. Put them where their paths lead, or leave them out of the list."
    ),
    "audit.unreadable": N_("Damaged files, left out ({count:,}): {names}. Copy them again."),
    "audit.truncated": N_("Truncated files, left out ({count:,}): {names}. Copy them again."),
    "audit.empty": N_("Empty files, left out ({count:,}): {names}. Copy them again."),
    "audit.not_an_image": N_(
        "Not images, left out ({count:,}): {names}. Save them as JPEG or PNG, or keep them elsewhere."
    ),
    "audit.decompression_bomb": N_("Too large to decode safely, left out ({count:,}): {names}. Make them smaller."),
    "audit.conflicting_labels": N_(
        "The same image in different classes, left out of training ({count:,}): {names}. Keep each once."
    ),
    "audit.near_conflicting_labels": N_(
        "Nearly the same image in different classes ({count:,}): {names}. Look at them, keep the correct ones."
    ),
    "audit.duplicate": N_("Exact duplicates of other images ({count:,}): {names}. A split keeps them together."),
    "audit.near_duplicate": N_("Near duplicates of other images ({count:,}): {names}. A split keeps them together."),
    "audit.leak": N_(
        "Data leak: {later} examples that are duplicates or near duplicates of {earlier} examples ({count:,}): "
        "{names}. The {later} results will be too optimistic; move one of each out of the data set."
    ),
    "audit.group_leak": N_(
        "{later} examples whose group (a patient, a camera) also has {earlier} examples ({count:,}): {names}. The "
        "{later} results say little of new groups; the splits are kept as given."
    ),
    "audit.still": N_(
        "Images that look alike as frames of a fixed camera do, and are not taken as copies ({count:,}): {names}. Name "
        "what belongs together with --group, or test images of one burst are judged by their neighbors."
    ),
    "audit.rotated": N_(
        "Images with empty corners, as rotating leaves them ({count:,}): {names}. Copies turned by such angles are not "
        "found: where several were made of one original, name it with --group."
    ),
    "audit.group_names": N_(
        'The names may tell what belongs together ({count:,} groups such as {name}): --group "{pattern}" keeps each in '
        "one split."
    ),
    "audit.long": N_(
        "Long images, of which a center crop hides {hidden:.0%}, their ends ({count:,}): {names}. Training crops them, "
        "since they are few; --set resize=pad shows them whole."
    ),
    "audit.long_padded": N_(
        "Long images, of which a center crop hides {hidden:.0%}, their ends ({count:,}): {names}. Training pads the "
        "images to squares unless --set resize=crop or stretch says otherwise."
    ),
    "audit.constant": N_("Nearly uniform images, left out of training ({count:,}): {names}."),
    "audit.placeholder": N_(
        "Placeholders for missing images, left out of training ({count:,}): {names}. Keep them elsewhere."
    ),
    "audit.odd_size": N_(
        "Much larger, smaller or longer than the others ({count:,}): {names}. Check that each shows one object."
    ),
    "audit.unusable_class": N_(
        "Classes without a usable example, which no training can learn ({count:,}): {names}. Repair their files, or "
        "move the classes out of the data."
    ),
    "audit.small_class": N_(
        "Classes with fewer than {limit} examples: {names}. Add some; some dozens a class work well."
    ),
    "audit.unbalanced": N_(
        "Unbalanced classes: {largest} has {n_largest:,}, {smallest} has {n_smallest:,}. Class weights compensate."
    ),
    "audit.missing_values": N_(
        "Rows with missing values, left out ({count:,}): {names}. Fill them in, or leave the rows out."
    ),
    "audit.conflicting_rows": N_(
        "The same values in different classes ({count:,}): {names}. No model can separate these."
    ),
    "audit.duplicate_rows": N_(
        "Rows with the same values as others ({count:,}): {names}. A split keeps them together."
    ),
    "audit.constant_columns": N_("Constant columns ({count:,}): {names}. They carry no information; leave them out."),
    "word.unusable_class": N_("{name} ({path}: {reason})"),
    "word.class_count": N_("{name} ({n:,})"),
    "word.row_column": N_("row {row}: {column}"),
    "word.missing": N_("missing"),
    "word.unreadable": N_("damaged"),
    "word.truncated": N_("truncated"),
    "word.empty": N_("empty file"),
    "word.not_an_image": N_("not an image"),
    "word.decompression_bomb": N_("too large to decode safely"),
    "word.conflicting_labels": N_("the same image in different classes"),
    "word.constant": N_("nearly uniform"),
    "word.placeholder": N_("placeholder"),
    "word.missing_values": N_("missing values"),
    # preprocessing
    "preprocess.flip_digits": N_(
        "Images are not flipped: the classes are digits or letters, and a mirrored one is another character."
    ),
    "preprocess.flip_left_right": N_("Images are not flipped: the class names distinguish left from right."),
    # training
    "training.class_weights": N_(
        "The classes are unbalanced ({largest} to {smallest} images), so the loss weighs them."
    ),
    "training.compile_failed": N_("The network is not compiled, because that fails on this machine ({error})."),
    "training.compiled": N_(
        "The network is compiled, which takes {seconds:.0f} s: training then runs at {compiled:,.0f} instead of "
        "{plain:,.0f} images/s, and takes about {after} instead of {before}."
    ),
    "training.compute": N_(
        "Using {precision}, {memory_format}: fastest of the benchmarked options ({figures} images/s)."
    ),
    "training.compute_as_set": N_("Using {precision}, {memory_format}, as set."),
    "training.measured_while_busy": N_(
        "Training ran at {rate:,.0f} images/s, but its steps were benchmarked at {measured:,.0f}, while the machine "
        "was busy: they are benchmarked again for the next training."
    ),
    "training.not_compiled": N_(
        "The network is not compiled, which would take {seconds:.0f} s: training would run at {compiled:,.0f} instead "
        "of {plain:,.0f} images/s, and take about {after} instead of {before}."
    ),
    # classical
    "classical.not_converged": N_("{model} had not converged when its iterations ran out."),
    "classical.reduced": N_("{model} cannot take {features} features: they are reduced to {pca} principal components."),
    "classical.search": N_(
        "{count} settings tried by {cv}-fold cross-validation on the training split (n {n}): {chosen} is best, {score} "
        "{mean:.4f} ± {std:.4f} over the folds."
    ),
    # evaluation
    "evaluation.unjudged": N_(
        "Classes without a {split} example are not judged, and the accuracy says nothing of them: {names}."
    ),
    "evaluation.temperature_few": N_(
        "Probabilities are not calibrated: {errors} errors among {n:,} validation examples are too few ({min_errors} "
        "among {min_examples} are needed)."
    ),
    "evaluation.temperature_unsure": N_(
        "Probabilities are not calibrated: a temperature does not lower the validation log loss significantly."
    ),
    "evaluation.temperature_drawn": N_(
        "Probabilities are calibrated with temperature {value:.2f}: the log loss of {n:,} of the {total:,} validation "
        "examples, drawn at random, falls from {before:.4f} to {after:.4f}."
    ),
    "evaluation.temperature_scaled": N_(
        "Probabilities are calibrated with temperature {value:.2f}: the validation log loss falls from {before:.4f} to "
        "{after:.4f} (cross-validated)."
    ),
    "evaluation.mcnemar_better": N_(
        "{first} is better than {second} on {examples}: {only_first:,} that only {first} predicts correctly, "
        "{only_second:,} that only {second} does (exact McNemar test, p = {p_value:.2g})."
    ),
    "evaluation.mcnemar_equal": N_(
        "There is no evidence that {first} is better than {second} on {examples}: {only_first:,} that only {first} "
        "predicts correctly, {only_second:,} that only {second} does (exact McNemar test, p = {p_value:.2g})."
    ),
    "evaluation.sign_better": N_(
        "{first} is closer to the true values than {second} on {examples}: closer for {only_first:,}, farther for "
        "{only_second:,} (sign test, p = {p_value:.2g})."
    ),
    "evaluation.sign_equal": N_(
        "There is no evidence that {first} is closer to the true values than {second} on {examples}: closer for "
        "{only_first:,}, farther for {only_second:,} (sign test, p = {p_value:.2g})."
    ),
    # classifier
    "classifier.keras_range": N_(
        "{model} does not scale its input, so pixels are given to it as 0 to 1, divided by 255: begin the model with a "
        "Rescaling layer where it expects other numbers."
    ),
    # runs: choices
    "runs.weights_in_file": N_("{path} holds more than weights: it starts from those that it calls {name}."),
    "runs.transfer": N_(
        "Transfer learning from {model} trained on ImageNet ({source}); --model NAME trains another from scratch."
    ),
    "runs.no_weights": N_(
        "Training from scratch: no pretrained weights were found, and none could be downloaded ({reason}). Transfer "
        "learning needs fewer images and less time: put {file} from {url} into {folder}, or name a file with --weights."
    ),
    "runs.finetune_head": N_(
        "Training only the head on frozen-backbone features, with {versions} versions of each image (one original, the "
        "rest augmented)."
    ),
    "runs.finetune_head_all": N_(
        "Training the head on frozen-backbone features first, then all layers, early ones at a lower learning rate."
    ),
    "runs.other_threads": N_(
        "Resumed with {now} threads where the run began with {before}: the weights may differ in their last bits."
    ),
    "runs.finetune_all": N_("Training all layers."),
    "runs.features": N_("Features of {model}: {count:,} per image ({names}), from images of {size} x {size} pixels."),
    "runs.columns": N_("Features of {model}: {count:,} columns ({names})."),
    "runs.calibrated": N_(
        "{model} predicts distances, not probabilities: divided by {value:.3f} they are the logits. Cross-validated on "
        "the training split (n {n:,}), the log loss is {after:.4f}; undivided {before:.4f}."
    ),
    "runs.uncalibrated": N_("The probabilities of {model} are not calibrated: a class has a single training example."),
    "runs.labels_spread": N_("Of the {n:,} labels withheld from the training split, {top1:.2%} are recovered."),
    "runs.model_of_many": N_("{model} ({i} of {n})"),
    "runs.model_failed": N_("{model} failed: {reason}"),
    # runs: outcome
    "runs.tta_gain": N_(
        "Test-time augmentation with {views} views: accuracy {top1:.4f}, without it {top1_without:.4f} (n {n:,})."
    ),
    "runs.no_layer_table": N_("The report has no table of the layers of {model}: {reason}."),
    # runs: evaluation on other data
    "runs.test_split": N_("Evaluating on the test split of {name}."),
    "runs.trained_on": N_(
        "{name} is what the run was trained on, so the result is optimistic: without DATA its test split is evaluated."
    ),
    "runs.missing_values": N_("{n:,} rows with missing values are left out."),
    "runs.unknown_classes": N_("{n:,} {unit} are left out: the classifier does not know their classes ({names})."),
    "runs.missing_classes": N_("{data} has no {unit} of {names}."),
    "runs.reordered_classes": N_("{data} has its classes in another order: they are matched by name."),
    # runs: state
    "runs.unfinished": N_("Training of {run} is unfinished; resume with `discern train --resume {run}`."),
    "runs.unfinished_classical": N_("Training of {run} is unfinished; start again with `{command}`."),
    "runs.data_moved": N_(
        "The data is no longer at {origin}: this report shows what the run stored of it; to train again, use the path "
        "where it is now."
    ),
    # labs
    "labs.no_trained_weights": N_(
        "No trained weights were found: put {file} into {folder} to compare trained features."
    ),
    "labs.no_fruit": N_("The fruit images were not found, so these are the digits: put a folder fruit into {folder}."),
    # only for tests
    "test.example": "{n:,} images: {names}.",
}
