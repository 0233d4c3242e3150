/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/write.c: an examination's report, for people. */
#include <string.h>

#include "base/file.h"
#include "plugin/doctor/doctor.h"

#define LINE_WIDTH 96
#define LABEL_WIDTH 13

static const char *
text_of (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

static bool
truth_of (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_BOOL && value->boolean;
}

/* TEXT behind COLUMN characters that are written already, broken at spaces; further lines are
 * indented as far. */
static void
write_wrapped (adze_buffer *into, size_t column, const char *text)
{
  size_t at = column;
  while (*text) {
    size_t word = strcspn (text, " ");
    if (at > column && at + 1 + word > LINE_WIDTH) {
      adze_buffer_format (into, "\n%*s", (int)column, "");
      at = column;
    } else if (at > column) {
      adze_buffer_text (into, " ");
      at++;
    }
    adze_buffer_add (into, text, word);
    at += word;
    text += word + strspn (text + word, " ");
  }
  adze_buffer_text (into, "\n");
}

static void
write_row (adze_buffer *into, const char *label, const char *text)
{
  adze_buffer_format (into, "  %-*s", LABEL_WIDTH, label);
  write_wrapped (into, LABEL_WIDTH + 2, text);
}

/* "needs A; WORD B", or only one of them when there is no more to say. */
static void
write_pair (adze_buffer *into, const char *label, const char *needed, const char *here,
            const char *word)
{
  ADZE_AUTO_FREE char *text = NULL;
  if (needed && strcmp (needed, here) == 0)
    text = strdup (here);
  else if (needed)
    text = adze_text_format ("needs %s; %s %s", needed, word, here);
  else
    text = adze_text_format ("%s %s", word, here);
  if (text)
    write_row (into, label, text);
  else
    into->failed = true;
}

static void
write_facts (const adze_value *report, adze_buffer *into)
{
  const adze_value *machine = adze_value_get (report, "machine");
  const adze_value *abi = adze_value_get (report, "abi");
  const adze_value *glibc = adze_value_get (report, "glibc");
  if (machine)
    write_pair (into, "machine", text_of (machine, "found"), text_of (machine, "running"),
                "running is");
  if (abi)
    write_pair (into, "contract", text_of (abi, "needed"), text_of (abi, "offered"), "offered is");
  if (adze_value_get (report, "entry"))
    write_row (into, "entry", truth_of (report, "entry") ? "there" : "missing");
  if (glibc)
    write_pair (into, "glibc", text_of (glibc, "needed"), text_of (glibc, "running"),
                "running is");
}

static const char *
where (const adze_value *library)
{
  const char *found = text_of (library, "found-at");
  return found ? found : truth_of (library, "missing") ? "missing" : "unusable";
}

static void
write_libraries (const adze_value *libraries, adze_buffer *into)
{
  size_t width = 0;
  for (size_t i = 0; i < libraries->count; i++) {
    size_t size = strlen (text_of (libraries->items[i], "name"));
    width = size > width && size <= 40 ? size : width;
  }
  for (size_t i = 0; i < libraries->count; i++) {
    const adze_value *library = libraries->items[i];
    const adze_value *by = adze_value_get (library, "needed-by");
    adze_buffer_format (into, "  %-*s%-*s  %s", LABEL_WIDTH, i == 0 ? "libraries" : "", (int)width,
                        text_of (library, "name"), where (library));
    for (size_t k = 0; !text_of (library, "found-at") && by && k < by->count; k++)
      adze_buffer_format (into, "%s%s", k ? ", " : ", needed by ", by->items[k]->string);
    adze_buffer_text (into, "\n");
  }
}

static void
write_symbols (const adze_value *report, adze_buffer *into)
{
  const adze_value *missing = adze_value_get (report, "missing-symbols");
  const adze_value *unjudged = adze_value_get (report, "unjudged-symbols");
  if (!missing)
    return;
  adze_buffer_format (into, "  %-*s", LABEL_WIDTH, "symbols");
  if (missing->count > 0)
    adze_buffer_format (into, "%zu missing\n", missing->count);
  else if (unjudged && unjudged->integer > 0)
    adze_buffer_format (into, "%lld not found, which may be in a library that is missing\n",
                        (long long)unjudged->integer);
  else
    adze_buffer_text (into, "all there\n");
}

static void
write_findings (const adze_value *list, const char *what, adze_buffer *into)
{
  static const char *const rows[][2] = { { "needed", "needed" }, { "found", "found" },
                                         { "hint", "do this" } };
  for (size_t i = 0; list && i < list->count; i++) {
    const adze_value *entry = list->items[i];
    adze_buffer_format (into, "\n%s (step %s)\n  ", what, text_of (entry, "step"));
    write_wrapped (into, 2, text_of (entry, "message"));
    for (size_t k = 0; k < ADZE_COUNT_OF (rows); k++)
      if (text_of (entry, rows[k][0]))
        write_row (into, rows[k][1], text_of (entry, rows[k][0]));
  }
}

static void
write_verdict (size_t problems, size_t warnings, adze_buffer *into)
{
  if (problems == 0)
    adze_buffer_text (into, "\nhealthy: nothing found that keeps it from loading");
  else
    adze_buffer_format (into, "\nnot healthy: %zu %s from loading", problems,
                        problems == 1 ? "problem keeps it" : "problems keep it");
  if (warnings > 0)
    adze_buffer_format (into, " (%zu %s)", warnings, warnings == 1 ? "warning" : "warnings");
  adze_buffer_text (into, "\n");
}

void
adze_doctor_write (const adze_value *report, adze_buffer *into)
{
  const adze_value *libraries = adze_value_get (report, "libraries");
  const adze_value *problems = adze_value_get (report, "problems");
  const adze_value *warnings = adze_value_get (report, "warnings");
  adze_buffer_format (into, "%s\n", text_of (report, "file"));
  write_facts (report, into);
  if (libraries)
    write_libraries (libraries, into);
  write_symbols (report, into);
  write_findings (problems, "problem", into);
  write_findings (warnings, "warning", into);
  write_verdict (problems ? problems->count : 0, warnings ? warnings->count : 0, into);
}
