/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/starter.c: a pipeline to begin with, for a model: one that works as it is, and shows how
 * the language looks with this model's own names in it. */
#include <string.h>

#include "artifact/columns.h"
#include "artifact/format.h"
#include "base/file.h"
#include "pipeline/pipeline.h"

/* As many names as help somebody to begin. */
#define LISTED 5

typedef struct starter {
  adze_runtime *runtime;
  const adze_model *model;
  const char *path; /* as it was named */
  char *base; /* "mlp.onnx" of "a/mlp.onnx", and of a model in several files what one would be called */
  char *stem; /* "mlp" */
  adze_buffer text;
} starter;

/* ---- What the model has. */

static bool
is_double (const adze_tensor_meta *meta)
{
  return !meta->codec && meta->dtype.code == ADZE_FLOAT && meta->dtype.bits == 64;
}

/* What the stage that changes numbers can change; it refuses doubles. */
static bool
is_plain_float (const adze_tensor_meta *meta)
{
  return !meta->codec && (meta->dtype.code == ADZE_FLOAT || meta->dtype.code == ADZE_BFLOAT)
         && !is_double (meta);
}

static size_t
count_tensors (const adze_model *model, bool (*is) (const adze_tensor_meta *meta))
{
  size_t count = 0;
  for (size_t i = 0; i < model->count; i++)
    count += is (&model->tensors[i].meta);
  return count;
}

/* llama.cpp takes these in f32 alone, so that whoever puts a cast in the stage needs the rule. */
static bool
has_vectors_to_keep (const adze_model *model)
{
  bool has = false;
  for (size_t i = 0; i < model->count; i++)
    has = has || (is_plain_float (&model->tensors[i].meta) && model->tensors[i].meta.rank <= 1);
  return has && model->format && strcmp (model->format, "gguf") == 0;
}

/* Does A come in front of B, the larger one first, and the file's order where they are equal? */
static bool
comes_before (const adze_model_tensor *a, const adze_model_tensor *b)
{
  return a->elements > b->elements || (a->elements == b->elements && a < b);
}

/* The largest tensor of plain numbers that comes behind AFTER; NULL: there is none. */
static const adze_model_tensor *
next_largest (const adze_model *model, const adze_model_tensor *after)
{
  const adze_model_tensor *found = NULL;
  for (size_t i = 0; i < model->count; i++) {
    const adze_model_tensor *tensor = &model->tensors[i];
    if (is_plain_float (&tensor->meta) && (!after || comes_before (after, tensor))
        && (!found || comes_before (tensor, found)))
      found = tensor;
  }
  return found;
}

static bool
has_technique (const starter *s, const char *id)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_AUTO_ERROR error = adze_find_component (s->runtime, id, &record, &component);
  return !error && strcmp (component->kind, ADZE_TECHNIQUE) == 0;
}

/* ---- Words. */

/* A number of bytes as people say it. */
static void
write_size (adze_buffer *into, uint64_t bytes)
{
  static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
  double size = (double)bytes;
  size_t unit = 0;
  for (; size >= 1000 && unit + 1 < ADZE_COUNT_OF (units); unit++)
    size /= 1000;
  if (unit == 0)
    adze_buffer_format (into, "%u %s", (unsigned)size, units[unit]);
  else
    adze_buffer_format (into, "%u.%u %s", (unsigned)size, (unsigned)(size * 10) % 10, units[unit]);
}

/* NAME as a pattern that matches it alone, in quotes. */
static void
write_pattern (adze_buffer *into, const char *name)
{
  ADZE_AUTO (adze_buffer) pattern = { 0 };
  for (const char *c = name; *c; c++) {
    if (strchr ("*?[]{}\\", *c))
      adze_buffer_text (&pattern, "\\");
    adze_buffer_add (&pattern, c, 1);
  }
  if (pattern.failed)
    into->failed = true;
  else
    adze_buffer_quoted (into, pattern.data ? pattern.data : "", pattern.size);
}

/* Text in a comment must not end it, and not act on the terminal that shows it. */
static void
write_comment_text (adze_buffer *into, const char *text)
{
  adze_buffer_safe (into, text, strlen (text));
}

/* ---- Parts. */

static void
write_head (starter *s)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < s->model->count; i++)
    bytes += s->model->tensors[i].meta.byte_size;
  adze_buffer_text (&s->text, "# A pipeline to begin with, for ");
  write_comment_text (&s->text, adze_path_base (s->path));
  adze_buffer_format (&s->text, ": %zu tensor%s, ", s->model->count,
                      s->model->count == 1 ? "" : "s");
  write_size (&s->text, bytes);
  adze_buffer_text (&s->text,
                    ".\n"
                    "#\n"
                    "#   adze check FILE   says what is wrong with it\n"
                    "#   adze plan FILE    says what would become of each tensor\n"
                    "#   adze run FILE     does it\n"
                    "#\n"
                    "# `adze list technique` shows what a stage can use, and `adze inspect "
                    "NAME` its parameters.\n"
                    "\n"
                    "adze = 1                 # the version of this language\n"
                    "name = ");
  adze_buffer_quoted (&s->text, s->stem, strlen (s->stem));
  adze_buffer_text (&s->text,
                    "\n"
                    "seed = 1                 # the same seed gives the same bytes again\n"
                    "\n"
                    "[model]\n"
                    "path = ");
  adze_buffer_quoted (&s->text, s->path, strlen (s->path));
  adze_buffer_text (&s->text,
                    "\n"
                    "\n"
                    "# [run]\n"
                    "# max-rss = \"2GiB\"       # the most memory that may be resident\n");
}

static void
write_look (starter *s)
{
  if (!has_technique (s, "profile"))
    return;
  adze_buffer_text (&s->text,
                    "\n"
                    "# Looks and changes nothing: how large each tensor is, and what is in "
                    "it.\n"
                    "[[stage]]\n"
                    "use = \"profile\"\n");
}

/* "  # The largest tensors: a, b, c" */
static void
write_largest (starter *s)
{
  const adze_model_tensor *tensor = NULL;
  adze_buffer_text (&s->text, "\n  # The largest tensors of this model:");
  for (int i = 0; i < LISTED && (tensor = next_largest (s->model, tensor)); i++) {
    adze_buffer_text (&s->text, "\n  #   ");
    write_comment_text (&s->text, tensor->meta.name);
    adze_buffer_text (&s->text, "  ");
    adze_shape_text (tensor->meta.rank, tensor->meta.shape, &s->text);
  }
}

static void
write_skip (starter *s, const char *mark, const char *name)
{
  adze_buffer_format (&s->text, "  %s[[stage.rule]]\n  %smatch = ", mark, mark);
  write_pattern (&s->text, name);
  adze_buffer_format (&s->text, "\n  %sskip = true\n", mark);
}

static void
write_doubles (starter *s)
{
  if (count_tensors (s->model, is_double) == 0)
    return;
  adze_buffer_text (&s->text, "\n  # clip refuses numbers of 64 bits.\n");
  for (size_t i = 0; i < s->model->count; i++)
    if (is_double (&s->model->tensors[i].meta))
      write_skip (s, "", s->model->tensors[i].meta.name);
}

static void
write_vectors (starter *s)
{
  if (has_vectors_to_keep (s->model))
    adze_buffer_text (&s->text,
                      "\n  # llama.cpp takes norms and biases in f32 alone, so that a cast must "
                      "leave them out.\n"
                      "  [[stage.rule]]\n"
                      "  match = \"{*norm*,*.bias}\"\n"
                      "  skip = true\n"
                      "  optional = true          # it may match nothing\n");
}

/* EXAMPLE: behind "# ", for somebody to take away; else a rule that holds. */
static void
write_rule (starter *s, bool example)
{
  const adze_model_tensor *tensor = next_largest (s->model, NULL);
  const char *mark = example ? "# " : "";
  write_largest (s);
  adze_buffer_text (&s->text,
                    "\n"
                    "  # Rules say what differs for some tensors; of several that match, the "
                    "last one holds.\n"
                    "  # A pattern is a glob, such as \"*.bias\", or \"re:\" and a regular "
                    "expression.\n");
  write_skip (s, mark, tensor->meta.name);
}

static void
write_change (starter *s, size_t floats)
{
  adze_buffer_text (&s->text,
                    "\n"
                    "# Brings the largest magnitudes down to that of the 99.9th percentile.\n"
                    "[[stage]]\n"
                    "use = \"clip\"\n"
                    "percentile = 99.9\n"
                    "nan = \"ignore\"           # a NaN stays one; without this line, the first "
                    "one fails the run\n"
                    "on-no-effect = \"warn\"    # without this line, a stage that changed "
                    "nothing has failed\n");
  write_rule (s, floats < 2);
  write_doubles (s);
  write_vectors (s);
}

/* The same kind of file, under another name beside the pipeline. */
static adze_error *
write_output (starter *s, bool changes)
{
  const char *dot = strrchr (s->base, '.');
  const char *mark = changes ? "" : "# ";
  ADZE_AUTO_FREE char *name = adze_text_format ("%s-small%s", s->stem, dot ? dot : "");
  if (!name)
    return adze_error_memory ();
  const char *format = NULL;
  ADZE_AUTO_ERROR none = adze_format_for_path (s->runtime, name, &format);
  if (none && adze_error_status (none) == ADZE_E_MEMORY)
    return adze_take (&none);
  adze_buffer_format (&s->text,
                      "\n# What is written, and where; relative to this file.%s\n%s[[output]]\n"
                      "%spath = ",
                      changes ? "" : " Nothing above changes the model.", mark, mark);
  adze_buffer_quoted (&s->text, name, strlen (name));
  adze_buffer_text (&s->text, "\n");
  if ((none || strcmp (format, s->model->format) != 0) && s->model->format) {
    adze_buffer_format (&s->text, "%sformat = ", mark);
    adze_buffer_quoted (&s->text, s->model->format, strlen (s->model->format));
    adze_buffer_text (&s->text, "\n");
  }
  return NULL;
}

static adze_error *
write_all (starter *s, char **text)
{
  size_t floats = count_tensors (s->model, is_plain_float);
  /* A pipeline of hundreds of rules is none to begin with. */
  bool changes = floats > 0 && count_tensors (s->model, is_double) <= LISTED
                 && has_technique (s, "clip");
  write_head (s);
  write_look (s);
  if (changes)
    write_change (s, floats);
  ADZE_TRY (write_output (s, changes));
  return adze_buffer_finish (&s->text, text);
}

/* ---- The face. */

/* How long "-00001-of-00003" is in front of DOT; 0: it is not there. */
static size_t
part_number (const char *base, const char *dot)
{
  enum { DIGITS = 5, SIZE = sizeof "-00001-of-00003" - 1 };
  static const char digits[] = "0123456789";
  if (!dot || dot - base <= SIZE)
    return 0;
  const char *from = dot - SIZE, *of = from + 1 + DIGITS;
  bool is = from[0] == '-' && strspn (from + 1, digits) == DIGITS && strncmp (of, "-of-", 4) == 0
            && strspn (of + 4, digits) == DIGITS;
  return is ? SIZE : 0;
}

static char *
base_of (const adze_model *model, const char *path)
{
  static const char index[] = ".index.json";
  const char *base = adze_path_base (path), *dot = strrchr (base, '.');
  size_t size = strlen (base), tail = sizeof index - 1;
  size_t part = part_number (base, dot);
  if (model->file_count > 1 && size > tail && strcmp (base + size - tail, index) == 0)
    return strndup (base, size - tail);
  if (model->file_count > 1 && part > 0)
    return adze_text_format ("%.*s%s", (int)(dot - part - base), base, dot);
  return strdup (base);
}

/* What a run may be called. */
static char *
stem_of (const char *base)
{
  static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const char *dot = strrchr (base, '.');
  size_t size = dot && dot > base ? (size_t)(dot - base) : strlen (base);
  char *stem = strndup (base, size < 48 ? size : 48);
  for (char *c = stem; c && *c; c++)
    if (!strchr (good, *c) || (c == stem && *c == '.'))
      *c = '-';
  return stem;
}

static void
cleanup_starter (starter *s)
{
  free (s->base);
  free (s->stem);
  adze_buffer_cleanup (&s->text);
}

adze_error *
adze_pipeline_starter (adze_runtime *runtime, const char *path, char **text)
{
  ADZE_LOCKED (runtime);
  ADZE_TRY (adze_scan_once (runtime));
  ADZE_AUTO_MODEL model = NULL;
  ADZE_TRY (adze_model_open (runtime, path, NULL, &model));
  __attribute__ ((cleanup (cleanup_starter))) starter s
      = { .runtime = runtime, .model = model, .path = path, .base = base_of (model, path) };
  s.stem = s.base ? stem_of (s.base) : NULL;
  if (!s.stem)
    return adze_error_memory ();
  return write_all (&s, text);
}
