/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze phase validate. What a model is, adze itself says, in JSON; SQLite reads that. */
#define _GNU_SOURCE 1 /* asprintf */

#include "phase/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "phase/clean.h"
#include "phase/verbs.h"

/* ---- Findings. */

void
phase_findings_cleanup (phase_findings *findings)
{
  for (size_t i = 0; i < findings->count; i++)
    free (findings->items[i].what);
  for (size_t i = 0; i < findings->file_count; i++)
    free (findings->files[i]);
  free (findings->items);
  free (findings->files);
  free (findings->model);
  *findings = (phase_findings){ 0 };
}

static void add (phase_findings *findings, bool wrong, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static void
add (phase_findings *findings, bool wrong, const char *format, ...)
{
  va_list values;
  char *what = NULL;
  phase_finding *grown = reallocarray (findings->items, findings->count + 1, sizeof *grown);
  findings->items = grown ? grown : findings->items;
  va_start (values, format);
  if (vasprintf (&what, format, values) < 0)
    what = NULL;
  va_end (values);
  if (!grown || !what) {
    findings->failed = true;
    free (what);
    return;
  }
  findings->items[findings->count++] = (phase_finding){ wrong, what };
  findings->wrong += wrong;
}

/* ---- Files. */

static bool
ends_with (const char *name, const char *ending)
{
  const size_t size = strlen (name), end = strlen (ending);
  return size > end && strcasecmp (name + size - end, ending) == 0;
}

/* A file of weights that is no GGUF. */
static bool
is_other_model (const char *name)
{
  static const char *const endings[]
      = { ".safetensors", ".bin", ".pt", ".pth", ".onnx", ".h5", ".tflite", ".npz", ".msgpack", ".ggml" };
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (endings); i++)
    if (ends_with (name, endings[i]))
      return true;
  return false;
}

/* The second and later files of a model that was split belong to the first. */
static bool
is_later_part (const char *name)
{
  const char *of = strstr (name, "-of-");
  return of && of - name >= 6 && of[-6] == '-' && strncmp (of - 5, "00001", 5) != 0
         && strspn (of - 5, "0123456789") == 5;
}

static void
look_at_name (phase_findings *findings, const char *folder, const char *name, const struct stat *found)
{
  const bool gguf = ends_with (name, ".gguf");
  if (phase_junk_file (name) || (!gguf && !is_other_model (name)))
    return;
  if (!S_ISREG (found->st_mode))
    add (findings, true, "files: %s is no file of its own: links are not followed, so put the model itself there", name);
  else if (!gguf)
    add (findings, true, "files: %s is no GGUF, and nothing else can be taken; convert it first (adze convert)", name);
  else if (is_later_part (name))
    return;
  else if (findings->model)
    add (findings, true, "files: %s and %s are two models; a domain has one", findings->model, name);
  else if (asprintf (&findings->model, "%s/%s", folder, name) < 0) {
    findings->model = NULL;
    findings->failed = true;
  }
}

static int
look_for_model (const phase_state *state, const char *path, phase_findings *findings)
{
  char **names;
  size_t count;
  PHASE_FD folder = phase_folder_at (AT_FDCWD, path);
  if (folder < 0 || !phase_names_at (folder, &names, &count))
    return adze_cli_broken (state->cli, "cannot look into %s", path);
  for (size_t i = 0; i < count; i++) {
    struct stat found;
    if (fstatat (folder, names[i], &found, AT_SYMLINK_NOFOLLOW) == 0)
      look_at_name (findings, path, names[i], &found);
  }
  phase_names_free (names, count);
  if (!findings->model && findings->wrong == 0)
    add (findings, true, "files: there is no model in %s; needed is one file NAME.gguf", path);
  return ADZE_CLI_FINE;
}

/* ---- What the model says of itself. */

/* A number of the metadata, or of what a query gives; -1: it is not there. */
static int64_t
number_of (const phase_state *state, const char *sql, const char *document, const char *key)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  if (phase_prepare (state, &statement, sql, "ss", document, key) != ADZE_CLI_FINE
      || phase_step (state, statement, &row) != ADZE_CLI_FINE || !row
      || sqlite3_column_type (statement, 0) == SQLITE_NULL)
    return -1;
  return sqlite3_column_int64 (statement, 0);
}

static int64_t
value_of (const phase_state *state, const char *document, const char *key)
{
  return number_of (state, "SELECT value FROM json_each (?1, '$.metadata') WHERE key = ?2", document, key);
}

static int64_t
count_of (const phase_state *state, const char *document, const char *key)
{
  return number_of (state,
                    "SELECT json_array_length (value) FROM json_each (?1, '$.metadata')"
                    " WHERE key = ?2 AND type = 'array'",
                    document, key);
}

static bool
has (const phase_state *state, const char *document, const char *key)
{
  return number_of (state, "SELECT 1 FROM json_each (?1, '$.metadata') WHERE key = ?2", document, key) == 1;
}

static bool
is_integer (const phase_state *state, const char *document, const char *key)
{
  return number_of (state, "SELECT type = 'integer' FROM json_each (?1, '$.metadata') WHERE key = ?2", document, key)
         == 1;
}

static int64_t
rows_of (const phase_state *state, const char *document, const char *tensor)
{
  return number_of (state,
                    "SELECT json_extract (value, '$.shape[0]') FROM json_each (?1, '$.tensors')"
                    " WHERE json_extract (value, '$.name') = ?2",
                    document, tensor);
}

static int64_t
row_of (const phase_state *state, const char *document, const char *tensor)
{
  return number_of (state,
                    "SELECT json_extract (value, '$.shape[1]') FROM json_each (?1, '$.tensors')"
                    " WHERE json_extract (value, '$.name') = ?2",
                    document, tensor);
}

/* How many tensors have names like PATTERN. */
static int64_t
tensors_like (const phase_state *state, const char *document, const char *pattern)
{
  return number_of (state,
                    "SELECT count (*) FROM json_each (?1, '$.tensors') WHERE json_extract (value, '$.name') LIKE ?2",
                    document, pattern);
}

static int64_t
blocks_of (const phase_state *state, const char *document)
{
  return number_of (state,
                    "SELECT max (CAST (substr (json_extract (value, '$.name'), 5) AS INTEGER)) + 1"
                    " FROM json_each (?1, '$.tensors') WHERE json_extract (value, '$.name') LIKE ?2",
                    document, "blk.%");
}

/* ---- Configuration, tokenizer, size. */

typedef struct model {
  const phase_state *state;
  const char *document;
  const char *architecture;
  phase_findings *findings;
} model;

/* The count ARCHITECTURE.NAME: missing, it can be told from tensors (TOLD, -1: it cannot), or it is wrong where it is
 * NEEDED. Some families have a list of one for each block; that is not looked into. */
static void
check_count (const model *m, const char *name, int64_t told, bool needed)
{
  char key[160];
  snprintf (key, sizeof key, "%s.%s", m->architecture, name);
  if (count_of (m->state, m->document, key) > 0)
    return;
  const bool there = has (m->state, m->document, key);
  const int64_t said = value_of (m->state, m->document, key);
  if (there && told > 0 && said != told)
    add (m->findings, true, "configuration: %s is %" PRId64 ", and the tensors say %" PRId64, key, said, told);
  else if (there && needed && said <= 0)
    add (m->findings, true, "configuration: %s is %" PRId64 ", and needed is 1 or more", key, said);
  else if (!there && told > 0)
    add (m->findings, false, "configuration: %s is missing, and is %" PRId64 " by the tensors", key, told);
  else if (!there && needed)
    add (m->findings, true, "configuration: %s is missing, and cannot be told from the tensors", key);
}

/* The width of the inner layer is told by its way back: on the way in, some families have the gate in the same
 * tensor, and so twice as many rows. Heads are those of attention, which models of state spaces have not. */
static void
check_configuration (const model *m)
{
  check_count (m, "context_length", -1, true);
  check_count (m, "attention.head_count", -1, tensors_like (m->state, m->document, "%.attn_q%") > 0);
  check_count (m, "block_count", blocks_of (m->state, m->document), true);
  check_count (m, "embedding_length", row_of (m->state, m->document, "token_embd.weight"), true);
  check_count (m, "feed_forward_length", row_of (m->state, m->document, "blk.0.ffn_down.weight"), false);
  if (!has (m->state, m->document, "general.name"))
    add (m->findings, false, "configuration: general.name is missing, and becomes that of the domain");
}

static void
check_token (const model *m, const char *name, int64_t count)
{
  char key[96];
  snprintf (key, sizeof key, "tokenizer.ggml.%s_token_id", name);
  const int64_t id = value_of (m->state, m->document, key);
  if (has (m->state, m->document, key) && !is_integer (m->state, m->document, key))
    add (m->findings, true, "tokenizer: %s is no whole number, and so no token's", key);
  else if (id >= count || (id < 0 && has (m->state, m->document, key)))
    add (m->findings, true, "tokenizer: %s is %" PRId64 ", and there are %" PRId64 " tokens", key, id, count);
}

static void
check_tokenizer (const model *m)
{
  static const char *const names[] = { "bos", "eos", "unknown", "padding" };
  const int64_t count = count_of (m->state, m->document, "tokenizer.ggml.tokens");
  const int64_t rows = rows_of (m->state, m->document, "token_embd.weight");
  if (!has (m->state, m->document, "tokenizer.ggml.model") || count <= 0) {
    add (m->findings, true, "tokenizer: tokenizer.ggml.model or tokenizer.ggml.tokens is missing");
    return;
  }
  if (rows > 0 && rows != count)
    add (m->findings, true, "tokenizer: there are %" PRId64 " tokens, and token_embd.weight has %" PRId64 " rows", count,
         rows);
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (names); i++)
    check_token (m, names[i], count);
  if (has (m->state, m->document, "tokenizer.ggml.padding_token_id"))
    return;
  const bool end = has (m->state, m->document, "tokenizer.ggml.eos_token_id");
  if (end || has (m->state, m->document, "tokenizer.ggml.unknown_token_id"))
    add (m->findings, false, "tokenizer: there is no padding token, and the %s one becomes it", end ? "eos" : "unknown");
  else
    add (m->findings, true, "tokenizer: there is no padding token, and no eos or unknown one to become it");
}

static void
check_size (const model *m, uint64_t most)
{
  const int64_t tensors = number_of (m->state, "SELECT json_extract (?1, ?2)", m->document, "$.totals.bytes");
  m->findings->bytes = number_of (m->state,
                                  "SELECT sum (json_extract (value, '$.bytes')) FROM json_each (?1, ?2)", m->document,
                                  "$.files");
  m->findings->floats = number_of (m->state,
                                   "SELECT count (*) FROM json_each (?1, ?2)"
                                   " WHERE json_extract (value, '$.type') IN ('f32', 'f16', 'bf16')"
                                   " AND json_array_length (value, '$.shape') >= 2",
                                   m->document, "$.tensors")
                        > 0;
  if (tensors <= 0)
    add (m->findings, true, "size: the model has no weights");
  if (most > 0 && (uint64_t)m->findings->bytes > most)
    add (m->findings, true, "size: the model has %" PRId64 " bytes, and may have %" PRIu64, m->findings->bytes, most);
}

static int
list_files (const model *m)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true;
  phase_findings *findings = m->findings;
  int status = phase_prepare (m->state, &statement,
                              "SELECT json_extract (value, '$.path') FROM json_each (?1, '$.files')", "s", m->document);
  while (status == ADZE_CLI_FINE && (status = phase_step (m->state, statement, &row)) == ADZE_CLI_FINE && row) {
    char *path = strdup (phase_text (statement, 0));
    char **grown = path ? reallocarray (findings->files, findings->file_count + 1, sizeof *grown) : NULL;
    findings->files = grown ? grown : findings->files;
    if (!grown) {
      free (path);
      return adze_cli_no_memory (m->state->cli);
    }
    grown[findings->file_count++] = path;
  }
  return status;
}

static int
look_inside (const phase_state *state, const char *document, uint64_t most, phase_findings *findings)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = false;
  int status = phase_prepare (state, &statement,
                              "SELECT value FROM json_each (?1, '$.metadata') WHERE key = 'general.architecture'"
                              " AND type = 'text'",
                              "s", document);
  if (status == ADZE_CLI_FINE)
    status = phase_step (state, statement, &row);
  if (status != ADZE_CLI_FINE)
    return status;
  const char *architecture = row ? phase_text (statement, 0) : "";
  const model m = { state, document, architecture, findings };
  if (!architecture[0] || strlen (architecture) > 64)
    add (findings, true, "configuration: general.architecture is missing, and nothing else says what the model is");
  else
    check_configuration (&m);
  check_tokenizer (&m);
  check_size (&m, most);
  return list_files (&m);
}

int
phase_validate (const phase_state *state, const char *folder, uint64_t most, phase_findings *findings)
{
  ADZE_CLI_FREE char *document = NULL;
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  options.format = "gguf";
  options.json = true;
  int status = look_for_model (state, folder, findings);
  if (status == ADZE_CLI_FINE && findings->model) {
    adze_error *error = adze_model_show (state->cli->runtime, findings->model, &options, &document);
    if (!error)
      status = look_inside (state, document, most, findings);
    else if (adze_error_status (error) == ADZE_E_MEMORY || adze_error_status (error) == ADZE_E_IO)
      return adze_cli_fail (state->cli, error);
    else {
      const adze_error *cause = error;
      while (adze_error_cause (cause))
        cause = adze_error_cause (cause);
      add (findings, true, "files: %s", adze_error_message (cause));
      adze_error_free (error);
    }
  }
  return status == ADZE_CLI_FINE && findings->failed ? adze_cli_no_memory (state->cli) : status;
}

/* ---- The verb. What it says is gathered first, so that an error in the middle stands alone. */

static void
print_words (FILE *into, const char *domain, const phase_findings *findings)
{
  const adze_cli_printer printer = { .stream = into };
  fprintf (into, "%s: %s\n", domain,
           findings->wrong > 0   ? "wrong"
           : findings->count > 0 ? "to be mended"
                                 : "fine");
  for (size_t i = 0; i < findings->count; i++)
    adze_cli_print_lines (&printer, findings->items[i].wrong ? "  wrong: " : "  to be mended: ",
                          findings->items[i].what);
}

static void
print_document (FILE *into, const char *domain, const phase_findings *findings)
{
  fprintf (into, "{\"domain\": \"%s\", \"valid\": %s, \"model\": ", domain, findings->wrong > 0 ? "false" : "true");
  adze_cli_print_json (into, findings->model);
  fprintf (into, ", \"bytes\": %" PRId64 ", \"findings\": [", findings->bytes);
  for (size_t i = 0; i < findings->count; i++) {
    fprintf (into, "%s{\"wrong\": %s, \"what\": ", i > 0 ? ", " : "", findings->items[i].wrong ? "true" : "false");
    adze_cli_print_json (into, findings->items[i].what);
    putc ('}', into);
  }
  fputs ("]}", into);
}

static int
validate_all (const phase_state *state, int64_t phase, const char *only, uint64_t most, FILE *into, size_t *wrong)
{
  PHASE_STATEMENT *statement = NULL;
  bool row = true, first = true;
  int status = phase_prepare (state, &statement,
                              "SELECT name, folder FROM domain WHERE phase = ? AND name = ifnull (?, name)"
                              " ORDER BY name",
                              "is", phase, only);
  while (status == ADZE_CLI_FINE && (status = phase_step (state, statement, &row)) == ADZE_CLI_FINE && row) {
    PHASE_FINDINGS findings = { 0 };
    status = phase_validate (state, phase_text (statement, 1), most, &findings);
    fputs (state->cli->json && !first ? ", " : "", into);
    if (state->cli->json)
      print_document (into, phase_text (statement, 0), &findings);
    else
      print_words (into, phase_text (statement, 0), &findings);
    *wrong += findings.wrong;
    first = false;
  }
  return status;
}

static int
validate_and_print (const phase_state *state, int64_t phase, const char *only, uint64_t most)
{
  ADZE_CLI_FREE char *text = NULL;
  size_t size = 0, wrong = 0;
  FILE *into = open_memstream (&text, &size);
  if (!into)
    return adze_cli_no_memory (state->cli);
  fputs (state->cli->json ? "{\"domains\": [" : "", into);
  int status = validate_all (state, phase, only, most, into, &wrong);
  fputs (state->cli->json ? "]}\n" : "", into);
  if (fclose (into) != 0)
    return adze_cli_no_memory (state->cli);
  if (status == ADZE_CLI_FINE)
    fputs (text, adze_cli_out);
  return status == ADZE_CLI_FINE && wrong > 0 ? ADZE_CLI_FAILED : status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  PHASE_STATE state = { .lock = -1 };
  const char *only = arguments->word_count > 1 ? arguments->words[1] : NULL;
  int64_t phase = 0, domain = 0;
  uint64_t most = 0;
  int status = adze_cli_size_option (cli, arguments, "most-bytes", &most);
  if (status == ADZE_CLI_FINE)
    status = phase_state_open (cli, arguments, false, &state);
  if (status == ADZE_CLI_FINE)
    status = phase_find (&state, arguments->words[0], &phase);
  if (status == ADZE_CLI_FINE && only)
    status = phase_find_domain (&state, phase, only, &domain);
  if (status == ADZE_CLI_FINE)
    status = adze_cli_open (cli);
  return status == ADZE_CLI_FINE ? validate_and_print (&state, phase, only, most) : status;
}

static const adze_cli_option options[] = {
  PHASE_ROOT_OPTION,
  PHASE_MOST_OPTION,
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb phase_verb_validate = {
  .name = "phase validate",
  .usage = "PHASE [DOMAIN]",
  .summary = "say whether the models can be built from, and what would be mended",
  .about = "Looks at the model in the folder of each domain: its files, configuration, tokenizer and size. What is "
           "wrong keeps the phase from being built; what is known to be mendable (a missing padding token, a "
           "configuration that the tensors tell) is mended when it is built, and not in the folder.",
  .options = options,
  .least = 1,
  .most = 2,
  .run = run,
};
