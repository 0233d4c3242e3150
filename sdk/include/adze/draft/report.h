/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/report.h: writing the JSON of a report. Tier: draft.
 *
 * Names and commas are seen to here, and what is no number is null. All inline: what is compiled in
 * here belongs to the plugin. A report keeps its first failure, so that only the end need be asked.
 */
#ifndef ADZE_DRAFT_REPORT_H
#define ADZE_DRAFT_REPORT_H

#include <stdio.h>

#include <adze/draft/records.h>

ADZE_BEGIN_DECLS

/* Begins as zeros: { 0 }; ended by adze_bytes_release of .text. */
typedef struct adze_report {
  adze_bytes text;
  adze_status status;
  uint32_t depth;
  bool has_items; /* at this depth: a comma comes first */
} adze_report;

static inline void
adze_report_add (const adze_host *host, adze_report *report, const char *text, size_t size)
{
  if (report->status == ADZE_OK)
    report->status = adze_bytes_add (host, &report->text, text, size);
}

static inline void
adze_report_indent (const adze_host *host, adze_report *report)
{
  if (report->depth > 0)
    adze_report_add (host, report, "\n", 1);
  for (uint32_t i = 0; i < report->depth; i++)
    adze_report_add (host, report, "  ", 2);
}

/* TEXT in quotes. Bytes that are no UTF-8 are the caller's affair. */
static inline void
adze_report_quote (const adze_host *host, adze_report *report, const char *text)
{
  adze_report_add (host, report, "\"", 1);
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    char escaped[8];
    if (byte == '"' || byte == '\\')
      adze_report_add (host, report, "\\", 1);
    if (byte >= 0x20) {
      adze_report_add (host, report, text, 1);
      continue;
    }
    int size = snprintf (escaped, sizeof escaped, "\\u%04x", (unsigned)byte);
    adze_report_add (host, report, escaped, (size_t)size);
  }
  adze_report_add (host, report, "\"", 1);
}

/* What stands in front of a value. NAME is NULL in a list, and for the whole. */
static inline void
adze_report_begin (const adze_host *host, adze_report *report, const char *name)
{
  if (report->has_items)
    adze_report_add (host, report, ",", 1);
  adze_report_indent (host, report);
  if (name) {
    adze_report_quote (host, report, name);
    adze_report_add (host, report, ": ", 2);
  }
  report->has_items = true;
}

/* BRACKET: "{" or "[". */
static inline void
adze_report_open (const adze_host *host, adze_report *report, const char *name,
                  const char *bracket)
{
  adze_report_begin (host, report, name);
  adze_report_add (host, report, bracket, 1);
  report->depth++;
  report->has_items = false;
}

/* BRACKET: "}" or "]". Behind the last one the text is whole. */
static inline void
adze_report_close (const adze_host *host, adze_report *report, const char *bracket)
{
  report->depth--;
  if (report->has_items && report->depth == 0)
    adze_report_add (host, report, "\n", 1);
  else if (report->has_items)
    adze_report_indent (host, report);
  adze_report_add (host, report, bracket, 1);
  report->has_items = true;
  if (report->depth == 0)
    adze_report_add (host, report, "\n", 1);
}

static inline void
adze_report_text (const adze_host *host, adze_report *report, const char *name, const char *text)
{
  adze_report_begin (host, report, name);
  adze_report_quote (host, report, text);
}

static inline void
adze_report_bool (const adze_host *host, adze_report *report, const char *name, bool truth)
{
  adze_report_begin (host, report, name);
  adze_report_add (host, report, truth ? "true" : "false", truth ? 4 : 5);
}

static inline void
adze_report_count (const adze_host *host, adze_report *report, const char *name, uint64_t count)
{
  char text[32];
  int size = snprintf (text, sizeof text, "%llu", (unsigned long long)count);
  adze_report_begin (host, report, name);
  adze_report_add (host, report, text, (size_t)size);
}

/* With all digits that it takes to read the same number again. */
static inline void
adze_report_number (const adze_host *host, adze_report *report, const char *name, double number)
{
  char text[40];
  bool finite = number - number == 0;
  int size = finite ? snprintf (text, sizeof text, "%.17g", number)
                    : snprintf (text, sizeof text, "null");
  adze_report_begin (host, report, name);
  adze_report_add (host, report, text, (size_t)size);
}

ADZE_END_DECLS

#endif
