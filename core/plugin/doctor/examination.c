/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/examination.c: how the parts of an examination write things down. */
#include "plugin/doctor/examination.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"

void
adze_doctor_put (adze_value *into, const char *key, const char *text)
{
  if (!into || !text)
    return;
  ADZE_AUTO (adze_buffer) clean = { 0 };
  adze_buffer_text (&clean, "");
  for (size_t left = strlen (text); left > 0;) {
    uint32_t code;
    size_t size = adze_utf8_read (text, left, &code);
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == ADZE_UTF8_BAD;
    for (size_t i = 0; control && i < size; i++)
      adze_buffer_format (&clean, "\\x%02x", (unsigned char)text[i]);
    if (!control)
      adze_buffer_add (&clean, text, size);
    text += size;
    left -= size;
  }
  if (clean.failed)
    into->failed = true;
  else
    adze_json_string (into, key, clean.data ? clean.data : "");
}

void
adze_doctor_add (adze_value *list, const adze_finding *finding, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *message = adze_text_vformat (format, arguments);
  va_end (arguments);
  adze_value *entry = adze_json_table (list, NULL);
  if (!entry)
    return;
  if (!message)
    entry->failed = true;
  adze_doctor_put (entry, "step", adze_step_name (finding->step));
  adze_doctor_put (entry, "message", message);
  adze_doctor_put (entry, "needed", finding->needed);
  adze_doctor_put (entry, "found", finding->found);
  adze_doctor_put (entry, "hint", finding->hint);
}

const char *
adze_doctor_name (const adze_library *library)
{
  return adze_path_base (library->path ? library->path : library->name);
}
