/* cloister model - look at a model file, make one, or run it on texts. */
#include "cmd/model.h"

#include <string.h>

static struct model_asked asked = {.tokens = 128, .top_p = 1};

static const struct option options[] = {
    {"model", "FILE", "GGUF file, or its name among the installed models", OPTION_TEXT,
     &asked.engine.model, 0, 0},
    {"format", "json|f32", "JSON Lines, or raw little-endian rows (embed, logits)",
     OPTION_TEXT, &asked.format, 0, 0},
    {"output", "FILE", "import: the GGUF file to write (also -o)", OPTION_TEXT,
     &asked.output, 0, 0},
    {"type", "F32|F16|BF16|Q8_0", "import: type of the matrices (default: Q8_0)",
     OPTION_TEXT, &asked.type, 0, 0},
    {"tokens", "N", "generate: new tokens at most (default: 128)", OPTION_NUMBER,
     &asked.tokens, 1, INT32_MAX},
    {"ignore-eos", NULL, "generate: go on past the end token", OPTION_FLAG,
     &asked.ignore_eos, 0, 0},
    {"temperature", "T", "generate: 0 takes the likeliest (default), more draws",
     OPTION_REAL, &asked.temperature, 0, 100},
    {"top-p", "P", "generate: draw among the likeliest that make up P (default: 1)",
     OPTION_REAL, &asked.top_p, 0, 1},
    {"min-p", "P", "generate: and at least P times as likely as the first (default: 0)",
     OPTION_REAL, &asked.min_p, 0, 1},
    {"seed", "N", "generate: another N draws another text (default: 0)", OPTION_NUMBER,
     &asked.seed, 0, INT64_MAX},
    ENGINE_OPTIONS(asked.engine),
    ENGINE_DECODER_OPTIONS(asked.engine),
    {0},
};

static int model_import(const char *folder)
{
    struct infer_error why;
    if (!asked.output) {
        complain("model", "import needs -o FILE, the GGUF file to write");
        return EXIT_USAGE;
    }
    const char *type = asked.type ? asked.type : "Q8_0";
    int status = infer_import(folder, asked.output, type, &why);
    if (status == INFER_OK)
        return EXIT_DONE;
    complain("model", "%s", why.text);
    return status == INFER_EINVALID ? EXIT_USAGE : EXIT_NO_START;
}

/* What only generate knows is not to be said to another verb, in the hope that it
 * helps. */
static int drawing_check(const char *verb)
{
    bool said = asked.tokens != 128 || asked.seed || asked.ignore_eos ||
                asked.temperature > 0 || asked.top_p < 1 || asked.min_p > 0;
    if (strcmp(verb, "generate") == 0 || !said)
        return -1;
    complain("model", "--tokens, --ignore-eos, --temperature, --top-p, --min-p and "
                      "--seed are for \"model generate\"");
    return EXIT_USAGE;
}

static int model_main(const struct command *self, int argc, char **argv)
{
    enum format format = FORMAT_TABLE;
    int words;
    int status = options_parse(self, argc, argv, &words);
    const char *name = status < 0 && words > 1 ? argv[1] : "";
    const struct verb *verb = verb_find(name);
    if (status < 0)
        status =
            format_parse("model", asked.format, verb ? verb->formats : "json", &format);
    if (status < 0)
        status = drawing_check(name);
    if (status >= 0)
        return status;
    if (strcmp(name, "show") == 0 && words == 3)
        return model_show(&asked, format, argv[2]);
    if (strcmp(name, "import") == 0 && words == 3)
        return model_import(argv[2]);
    if (verb && words <= 3)
        return model_feed(&asked, verb, format == FORMAT_TABLE ? FORMAT_JSON : format,
                          words == 3 ? argv[2] : NULL);
    complain("model",
             "say \"model show FILE\", \"import FOLDER -o FILE\", \"tokenize\", "
             "\"embed\", \"logits\" or \"generate\"");
    return EXIT_USAGE;
}

const struct command cmd_model = {
    .name = "model",
    .synopsis = "model show FILE | import FOLDER -o FILE | "
                "tokenize|embed|logits|generate [INPUT.jsonl]",
    .summary = "Look at a model, convert a checkpoint to GGUF, or run it on texts.",
    .option = options,
    .run = model_main,
};
