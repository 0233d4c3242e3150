/* SPDX-License-Identifier: Apache-2.0 */
/* base/error_text.c: an error as people and as programs read it.
 *
 * Apart from base/error.c, since writing needs buffers and JSON, which need errors.
 */
#include "base/json.h"

#include <ctype.h>
#include <string.h>

/* ---- Text that may come from a hostile file. */

/* Characters that would move the cursor, change colours or turn the direction of the line. */
static bool
dangerous (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* One character, harmless; returns how many columns it takes. */
static size_t
write_character (adze_buffer *into, uint32_t code, unsigned char byte)
{
  size_t before = into->size;
  if (code == ADZE_UTF8_BAD || (dangerous (code) && code < 0x80)) {
    adze_buffer_format (into, "\\x%02x", byte);
  } else if (dangerous (code)) {
    adze_buffer_format (into, "\\u%04x", (unsigned)code);
  } else {
    adze_buffer_utf8 (into, code);
    return 1;
  }
  return into->size - before;
}

/* A line break goes on deeper than any line of ours begins, so that a message with one in it cannot
 * pass for two. */
static void
write_text (adze_buffer *into, const char *text)
{
  size_t size = strlen (text);
  while (size > 0) {
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    if (code == '\n')
      adze_buffer_text (into, "\n      ");
    else
      write_character (into, code == '\t' ? ' ' : code, (unsigned char)*text);
    text += length;
    size -= length;
  }
}

/* ---- The chain and its facts. */

static const char *
deepest_fact (const adze_error *error, const char *name)
{
  const char *deepest = NULL;
  for (; error; error = adze_error_cause (error)) {
    const char *key, *value;
    for (size_t i = 0; adze_error_fact_at (error, i, &key, &value); i++)
      if (strcmp (key, name) == 0)
        deepest = value;
  }
  return deepest;
}

static bool
word_character (char c)
{
  return isalnum ((unsigned char)c) || c == '_';
}

/* Does a message of the chain have VALUE in it, and not only as a part of a longer word? */
static bool
said (const adze_error *error, const char *value)
{
  size_t length = strlen (value);
  for (; length > 0 && error; error = adze_error_cause (error)) {
    const char *message = adze_error_message (error);
    for (const char *at = message; (at = strstr (at, value)); at++)
      if ((at == message || !word_character (at[-1]) || !word_character (value[0]))
          && (!word_character (at[length]) || !word_character (value[length - 1])))
        return true;
  }
  return false;
}

/* Facts with a place of their own; all others stand between them and the hint. */
static const char *const placed[]
    = { "step", "file", "needed", "found", "hint", "line", "column", "source", "caret" };

static bool
is_placed (const char *name)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (placed); i++)
    if (strcmp (placed[i], name) == 0)
      return true;
  return false;
}

static void
write_fact (adze_buffer *into, const char *label, const char *value)
{
  if (!value)
    return;
  adze_buffer_text (into, "  ");
  write_text (into, label);
  adze_buffer_text (into, ": ");
  write_text (into, value);
  adze_buffer_text (into, "\n");
}

/* Those that no place was thought of for, in the order of the chain, each name once. */
static void
write_other_facts (adze_buffer *into, const adze_error *error)
{
  for (const adze_error *link = error; link; link = adze_error_cause (link)) {
    const char *name, *value;
    for (size_t i = 0; adze_error_fact_at (link, i, &name, &value); i++)
      if (!is_placed (name) && value == deepest_fact (error, name) && !said (error, value))
        write_fact (into, name, value);
  }
}

static void
write_facts (adze_buffer *into, const adze_error *error)
{
  const char *step = deepest_fact (error, "step");
  const char *file = deepest_fact (error, "file");
  const char *needed = deepest_fact (error, "needed");
  const char *found = deepest_fact (error, "found");
  if (step && !said (error, step))
    write_fact (into, "step", step);
  if (file && !said (error, file))
    write_fact (into, "file", file);
  /* One of the two without the other reads as if something had been lost. */
  if (!(needed && said (error, needed) && (!found || said (error, found)))) {
    write_fact (into, "needed", needed);
    write_fact (into, "found", found);
  }
  write_other_facts (into, error);
  write_fact (into, "what to do", deepest_fact (error, "hint"));
}

/* ---- The offending line. */

/* "   | " under "12 | ", and then as many columns as the characters in front of the caret take
 * above it, once those that would do harm are written out. */
static void
write_source_line (adze_buffer *into, const char *source, size_t marked, adze_buffer *below)
{
  size_t size = strlen (source);
  for (size_t i = 0; size > 0; i++) {
    uint32_t code;
    size_t length = adze_utf8_read (source, size, &code);
    size_t columns = 1;
    if (code == '\t')
      adze_buffer_text (into, "\t");
    else
      columns = write_character (into, code, (unsigned char)*source);
    for (size_t j = 0; i < marked && j < columns; j++)
      adze_buffer_text (below, code == '\t' ? "\t" : " ");
    source += length;
    size -= length;
  }
}

static void
write_source (adze_buffer *into, const adze_error *error)
{
  const char *source = deepest_fact (error, "source");
  const char *caret = deepest_fact (error, "caret");
  const char *line = deepest_fact (error, "line");
  if (!source)
    return;
  ADZE_AUTO (adze_buffer) below = { 0 };
  adze_buffer_format (into, "  %5s | ", line ? line : "");
  write_source_line (into, source, caret ? strspn (caret, " \t") : 0, &below);
  adze_buffer_text (into, "\n");
  if (below.failed)
    into->failed = true;
  if (caret)
    adze_buffer_format (into, "  %5s | %s^\n", "", below.data ? below.data : "");
}

/* Each part is as long as an error of its own, and a blank line keeps them apart. */
static void
write_error (adze_buffer *into, const adze_error *error)
{
  write_text (into, adze_error_message (error));
  adze_buffer_text (into, "\n");
  const adze_error *last = error;
  for (const adze_error *link = adze_error_cause (error); link; link = adze_error_cause (link)) {
    adze_buffer_text (into, "  because ");
    write_text (into, adze_error_message (link));
    adze_buffer_text (into, "\n");
    last = link;
  }
  write_source (into, error);
  write_facts (into, error);
  const adze_error *part;
  for (size_t i = 0; (part = adze_error_part (last, i)); i++) {
    adze_buffer_text (into, "\n");
    write_error (into, part);
  }
}

char *
adze_error_text (const adze_error *error)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  write_error (&text, error);
  char *result;
  ADZE_AUTO_ERROR failure = adze_buffer_finish (&text, &result);
  return failure ? NULL : result;
}

/* ---- JSON. */

static const char *
status_name (adze_status status)
{
  static const char *const names[] = {
    [ADZE_OK] = "ok",
    [ADZE_E_MEMORY] = "memory",
    [ADZE_E_PARAM] = "param",
    [ADZE_E_IO] = "io",
    [ADZE_E_FORMAT] = "format",
    [ADZE_E_UNSUPPORTED] = "unsupported",
    [ADZE_E_NOT_FOUND] = "not-found",
    [ADZE_E_ABI] = "abi",
    [ADZE_E_CONTRACT] = "contract",
    [ADZE_E_TRUST] = "trust",
    [ADZE_E_DUPLICATE] = "duplicate",
    [ADZE_E_CRASHED] = "crashed",
    [ADZE_E_TIMEOUT] = "timeout",
    [ADZE_E_LIMIT] = "limit",
    [ADZE_E_CANCELLED] = "cancelled",
    [ADZE_E_INTERNAL] = "internal",
  };
  return (size_t)status < ADZE_COUNT_OF (names) ? names[status] : "internal";
}

/* Each fact once, as adze_error_fact would give it. */
static void
add_facts (adze_value *into, const adze_error *error)
{
  for (const adze_error *link = error; link; link = adze_error_cause (link)) {
    const char *name, *value;
    for (size_t i = 0; adze_error_fact_at (link, i, &name, &value); i++)
      if (value == adze_error_fact (error, name))
        adze_json_string (into, name, value);
  }
}

static void
add_error (adze_value *into, const adze_error *error)
{
  adze_json_string (into, "status", status_name (adze_error_status (error)));
  adze_json_int (into, "code", adze_error_status (error));
  adze_json_string (into, "message", adze_error_message (error));
  adze_value *because = adze_json_list (into, "because");
  const adze_error *last = error;
  for (const adze_error *link = adze_error_cause (error); link; link = adze_error_cause (link)) {
    adze_json_string (because, NULL, adze_error_message (link));
    last = link;
  }
  add_facts (adze_json_table (into, "facts"), error);
  if (!adze_error_part (last, 0))
    return;
  adze_value *parts = adze_json_list (into, "errors");
  const adze_error *part;
  for (size_t i = 0; (part = adze_error_part (last, i)); i++)
    add_error (adze_json_table (parts, NULL), part);
}

char *
adze_error_json (const adze_error *error)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  add_error (root, error);
  if (adze_json_failed (root))
    return NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (root, 0, &text);
  char *result;
  ADZE_AUTO_ERROR failure = adze_buffer_finish (&text, &result);
  return failure ? NULL : result;
}
