/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: which files a model does not need, by name, and which are damaged, by content. */
#define _GNU_SOURCE 1 /* memmem */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "phase/clean.h"

/* A pattern is a name; or begins with '*', for an ending; or ends in '*', for a beginning; or in '#', for a beginning
 * with digits alone behind it. */
typedef struct rule {
  const char *pattern;
  const char *why;
} rule;

static const rule folders[] = {
  { "tmp", "temporary files" },     { ".tmp", "temporary files" },      { "temp", "temporary files" },
  { "logs", "logs" },               { "wandb", "logs" },                { "tensorboard", "logs" },
  { "__pycache__", "a cache" },     { ".cache", "a cache" },            { ".pytest_cache", "a cache" },
  { ".mypy_cache", "a cache" },     { ".ipynb_checkpoints", "a cache" }, { "checkpoints", "a checkpoint" },
  { "checkpoint-#", "a checkpoint" }, { "global_step#", "a checkpoint" },
};

static const rule files[] = {
  { "*.tmp", "a temporary file" },  { "*.temp", "a temporary file" },   { "*.part", "a temporary file" },
  { "*.partial", "a temporary file" }, { "*.swp", "a temporary file" }, { "*~", "a temporary file" },
  { ".DS_Store", "a temporary file" }, { "Thumbs.db", "a temporary file" },
  { "*.log", "a log" },             { "events.out.tfevents.*", "a log" },
  { "*.pyc", "a cache" },           { "*.pyo", "a cache" },
  { "*.ckpt", "a checkpoint" },     { "optimizer.pt", "a checkpoint" }, { "optimizer.bin", "a checkpoint" },
  { "scheduler.pt", "a checkpoint" }, { "trainer_state.json", "a checkpoint" },
  { "training_args.bin", "a checkpoint" }, { "rng_state*", "a checkpoint" },
};

static bool
ends_with (const char *name, const char *ending)
{
  const size_t size = strlen (name), end = strlen (ending);
  return size > end && strcmp (name + size - end, ending) == 0;
}

static bool
fits (const char *pattern, const char *name)
{
  const size_t size = strlen (pattern) - 1;
  if (pattern[0] == '*')
    return ends_with (name, pattern + 1);
  if (pattern[size] == '*')
    return strncmp (name, pattern, size) == 0;
  if (pattern[size] == '#')
    return strncmp (name, pattern, size) == 0 && name[size] && !name[size + strspn (name + size, "0123456789")];
  return strcmp (name, pattern) == 0;
}

static const char *
look_up (const rule *rules, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (fits (rules[i].pattern, name))
      return rules[i].why;
  return NULL;
}

const char *
phase_junk_folder (const char *name)
{
  return look_up (folders, ADZE_CLI_COUNT_OF (folders), name);
}

const char *
phase_junk_file (const char *name)
{
  /* The older ones of a log that goes round: "train.log.3". */
  const char *old = strstr (name, ".log.");
  if (old && old > name && old[5] && !old[5 + strspn (old + 5, "0123456789")])
    return "a log";
  return look_up (files, ADZE_CLI_COUNT_OF (files), name);
}

/* ---- Content. */

enum { DOCUMENT_MOST = 16 << 20 };

static bool
read_whole (int fd, char *bytes, size_t size)
{
  for (size_t done = 0; done < size;) {
    const ssize_t got = read (fd, bytes + done, size - done);
    if (got == 0 || (got < 0 && errno != EINTR))
      return false;
    done += got > 0 ? (size_t)got : 0;
  }
  return true;
}

/* Behind the string that begins at AT; past the end if it does not end. One in single quotes ends with its line: that
 * is as JSON5 has it, and in a comment of a kind that is not known here it is an apostrophe. */
static size_t
behind_string (const char *text, size_t size, size_t at)
{
  const char quote = text[at++];
  while (at < size && text[at] != quote && !(quote == '\'' && text[at] == '\n'))
    at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

/* Behind the comment that begins at AT, or AT itself if none does. */
static size_t
behind_comment (const char *text, size_t size, size_t at)
{
  if (at + 1 >= size || text[at] != '/' || (text[at + 1] != '/' && text[at + 1] != '*'))
    return at;
  const bool line = text[at + 1] == '/';
  const char *end = memmem (text + at + 2, size - at - 2, line ? "\n" : "*/", line ? 1 : 2);
  return end ? (size_t)(end - text) + (line ? 1 : 2) : size + !line;
}

/* Texts of two bytes a letter are JSON to some readers; they are not looked into. */
static bool
is_wide (const char *text, size_t size)
{
  return size > 1 && ((text[0] == 0) != (text[1] == 0) || memcmp (text, "\xff\xfe", 2) == 0
                      || memcmp (text, "\xfe\xff", 2) == 0);
}

/* What is wrong with a JSON file that no reader could take for whole. Many are not strict, and are read all the same:
 * with Infinity and NaN, as Python writes them, a mark of the byte order, comments, commas at the end. */
static const char *
damage_of_json (const char *text, size_t size)
{
  long open = 0;
  bool any = false;
  if (is_wide (text, size))
    return NULL;
  for (size_t at = size > 2 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, next; at < size; at = next) {
    const char letter = text[at];
    const bool quoted = letter == '"' || letter == '\'', blank = strchr (" \t\r\n\f\v", letter) && letter;
    if ((unsigned char)letter < ' ' && !blank)
      return "corrupt: it is no text";
    next = quoted ? behind_string (text, size, at) : behind_comment (text, size, at);
    if (next > size)
      return "corrupt: it is cut off";
    open += (letter == '{' || letter == '[') - (letter == '}' || letter == ']');
    any = any || (!blank && next == at) || quoted;
    next += next == at;
  }
  return open > 0 ? "corrupt: it is cut off" : any ? NULL : "corrupt: it is empty";
}

/* A file that cannot be read is not known to be damaged. */
static const char *
look_into_json (int fd, size_t size)
{
  ADZE_CLI_FREE char *text = size <= DOCUMENT_MOST ? malloc (size) : NULL;
  return text && read_whole (fd, text, size) ? damage_of_json (text, size) : NULL;
}

/* The descriptor's own name, so that it is the file that was looked at which is read. Only what its format says is
 * damaged counts: what adze cannot read for another reason others may. */
static bool
is_broken_model (const phase_state *state, int fd, const char *format)
{
  char path[64];
  ADZE_CLI_FREE char *text = NULL;
  adze_show_options options = ADZE_SHOW_OPTIONS_INIT;
  options.json = true;
  options.format = format;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  adze_error *error = adze_model_show (state->cli->runtime, path, &options, &text);
  const bool broken = error && adze_error_status (error) == ADZE_E_FORMAT;
  adze_error_free (error);
  return broken;
}

/* One file of several says nothing alone. */
static bool
is_part (const char *name)
{
  const char *of = strstr (name, "-of-");
  return of && strspn (of + 4, "0123456789") >= 5;
}

const char *
phase_junk_content (const phase_state *state, int folder, const char *name, const struct stat *found)
{
  static const char *const weights[] = { ".gguf", ".safetensors", ".onnx", ".bin", ".pt", ".pth", ".json" };
  bool known = false;
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (weights); i++)
    known = known || ends_with (name, weights[i]);
  if (!known)
    return NULL;
  if (found->st_size == 0)
    return "corrupt: it is empty";
  PHASE_FD fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat opened;
  if (fd < 0 || fstat (fd, &opened) != 0 || opened.st_ino != found->st_ino || !S_ISREG (opened.st_mode))
    return NULL;
  if (ends_with (name, ".json"))
    return look_into_json (fd, (size_t)found->st_size);
  const char *format = ends_with (name, ".gguf") ? "gguf" : ends_with (name, ".safetensors") ? "safetensors" : NULL;
  return format && !is_part (name) && is_broken_model (state, fd, format) ? "corrupt: the model is not whole" : NULL;
}
