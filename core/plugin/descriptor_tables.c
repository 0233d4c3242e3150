/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/descriptor_tables.c: structs of any size and tables without a count, as a plugin hands
 * them over, become the host's own. */
#include <stdalign.h>
#include <string.h>

#include "plugin/descriptor_parts.h"
#include "plugin/manifest/params.h"

/* A stride beyond this is not the size of a row. */
#define STRIDE_MAX 4096

#define NO_END_HINT "the last row of the table must be { .name = NULL }"

adze_error *
adze_table_refusal (const adze_table_owner *owner, adze_status status, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!text)
    return adze_error_memory ();
  return adze_refusal (status, ADZE_STEP_FIELDS, owner->path, "%s %s", owner->label, text);
}

bool
adze_size_is_sane (uint32_t size, size_t least)
{
  return size >= least && size <= ADZE_STRUCT_SIZE_MAX;
}

const char *
adze_size_complaint (uint32_t size)
{
  return size > ADZE_STRUCT_SIZE_MAX ? "has an absurd size" : "is too short";
}

adze_error *
adze_size_facts (adze_error *refusal, uint32_t size, size_t least, const char *struct_name)
{
  adze_error_setf (refusal, "needed", "%zu to %d bytes", least, ADZE_STRUCT_SIZE_MAX);
  adze_error_setf (refusal, "found", "%u bytes", size);
  adze_error_setf (refusal, "hint",
                   "say .struct_size = sizeof (%s), and build with the SDK's headers", struct_name);
  return refusal;
}

void
adze_copy_over_zeros (void *into, size_t room, const void *from, size_t size)
{
  memset (into, 0, room);
  memcpy (into, from, size < room ? size : room);
}

adze_error *
adze_struct_copy (const adze_table_owner *owner, const char *what, const char *struct_name,
                  const void *raw, size_t least, void *into, size_t room)
{
  uint32_t size;
  memcpy (&size, raw, sizeof size);
  if (!adze_size_is_sane (size, least))
    return adze_size_facts (adze_table_refusal (owner, ADZE_E_ABI, "cannot be read: its %s %s",
                                                what, adze_size_complaint (size)),
                            size, least, struct_name);
  adze_copy_over_zeros (into, room, raw, size);
  return NULL;
}

/* A table that lacks its last row has no end that could be known: the row behind it belongs to
 * something else, and looking at it is how the mistake is found. An address sanitizer would, quite
 * rightly, stop the host there. Hence the exemption of this one function, and volatile, without
 * which the loop may become a call of memcpy, which sanitizers watch too. */
__attribute__ ((no_sanitize ("address"), noinline)) void
adze_table_read (void *into, const void *from, size_t size)
{
  const volatile unsigned char *source = from;
  unsigned char *target = into;
  for (size_t i = 0; i < size; i++)
    target[i] = source[i];
}

/* What the plugin's row lacks, being older, is zero; what it has beyond ours is not looked at. */
static void
read_row (void *row, size_t row_size, const void *rows, uint32_t stride, size_t index)
{
  memset (row, 0, row_size);
  size_t size = stride < row_size ? stride : row_size;
  adze_table_read (row, (const char *)rows + index * stride, size);
}

static adze_error *
check_stride (const adze_table_owner *owner, const char *member, const char *type, uint32_t stride,
              size_t least)
{
  if (stride >= least && stride <= STRIDE_MAX && stride % alignof (void *) == 0)
    return NULL;
  adze_error *error
      = adze_table_refusal (owner, ADZE_E_CONTRACT, "has the .%s %u", member, stride);
  adze_error_setf (error, "needed", "a multiple of %zu from %zu to %d", alignof (void *), least,
                   STRIDE_MAX);
  adze_error_setf (error, "found", "%u", stride);
  adze_error_setf (error, "hint", "say .%s = sizeof (%s)", member, type);
  return error;
}

static adze_error *
too_many_rows (const adze_table_owner *owner, const char *what, size_t most)
{
  adze_error *error
      = adze_table_refusal (owner, ADZE_E_LIMIT, "has a table of %ss without end", what);
  adze_error_setf (error, "needed", "at most %zu rows and one without a name behind them", most);
  adze_error_setf (error, "found", "%zu rows with a name", most + 1);
  adze_error_set (error, "hint", NO_END_HINT);
  return error;
}

static adze_error *
not_a_row (const adze_table_owner *owner, const char *what, size_t index, const char *member,
           uint32_t number, uint32_t most)
{
  adze_error *error = adze_table_refusal (
      owner, ADZE_E_CONTRACT, "has a table of %ss without end, or row %zu of it is none", what,
      index + 1);
  adze_error_setf (error, "needed", "a .%s from 1 to %u, or no name, in row %zu", member, most,
                   index + 1);
  adze_error_setf (error, "found", ".%s = %u", member, number);
  adze_error_set (error, "hint", NO_END_HINT);
  return error;
}

const char *
adze_text_shown (const char *text, char shown[ADZE_SHOWN_TEXT])
{
  size_t at = 0;
  for (; text[at] && at + 1 < ADZE_SHOWN_TEXT; at++)
    shown[at] = text[at] >= 0x20 && text[at] < 0x7f ? text[at] : '?';
  shown[at] = '\0';
  return shown;
}

/* Whether a text is a good one is for adze_params_check to say. It says no to one that is longer
 * than ADZE_TEXT_MAX, so that there is no need to go to the end of something endless. */
static bool
copy_text (const char **into, const char *text)
{
  *into = text ? strndup (text, ADZE_TEXT_MAX + 1) : NULL;
  return !text || *into;
}

static adze_error *
count_params (const adze_table_owner *owner, const adze_param *rows, uint32_t stride,
              size_t *count)
{
  for (size_t i = 0; i <= ADZE_PARAM_MAX; i++) {
    adze_param row;
    read_row (&row, sizeof row, rows, stride, i);
    if (!row.name) {
      *count = i;
      return NULL;
    }
    if (row.type < ADZE_PARAM_BOOL || row.type > ADZE_PARAM_OUTPUT_FILE)
      return not_a_row (owner, "parameter", i, "type", row.type, ADZE_PARAM_OUTPUT_FILE);
  }
  return too_many_rows (owner, "parameter", ADZE_PARAM_MAX);
}

static bool
copy_param (const adze_param *row, adze_param *into)
{
  into->type = row->type;
  into->item = row->item;
  return copy_text (&into->name, row->name) && copy_text (&into->preset, row->preset)
         && copy_text (&into->range, row->range) && copy_text (&into->choices, row->choices)
         && copy_text (&into->component_kind, row->component_kind)
         && copy_text (&into->unit, row->unit) && copy_text (&into->since, row->since)
         && copy_text (&into->help, row->help);
}

adze_error *
adze_table_params (const adze_table_owner *owner, const adze_param *rows, uint32_t stride,
                   adze_manifest_component *into)
{
  if (!rows)
    return NULL;
  ADZE_TRY (check_stride (owner, "param_size", "adze_param", stride,
                          ADZE_SIZE_THROUGH (adze_param, help)));
  size_t count = 0;
  ADZE_TRY (count_params (owner, rows, stride, &count));
  if (count == 0)
    return NULL;
  into->params = calloc (count, sizeof *into->params);
  if (!into->params)
    return adze_error_memory ();
  into->param_count = count;
  for (size_t i = 0; i < count; i++) {
    adze_param row;
    read_row (&row, sizeof row, rows, stride, i);
    if (!copy_param (&row, &into->params[i]))
      return adze_error_memory ();
  }
  return NULL;
}

static adze_error *
count_ports (const adze_table_owner *owner, const adze_port *rows, uint32_t stride, size_t *count)
{
  for (size_t i = 0; i <= ADZE_PORT_MAX; i++) {
    adze_port row;
    read_row (&row, sizeof row, rows, stride, i);
    if (!row.name) {
      *count = i;
      return NULL;
    }
    if (row.direction != ADZE_PORT_IN && row.direction != ADZE_PORT_OUT)
      return not_a_row (owner, "port", i, "direction", row.direction, ADZE_PORT_OUT);
  }
  return too_many_rows (owner, "port", ADZE_PORT_MAX);
}

static bool
copy_port (const adze_port *row, adze_port *into)
{
  into->direction = row->direction;
  into->required = row->required;
  return copy_text (&into->name, row->name) && copy_text (&into->type, row->type)
         && copy_text (&into->help, row->help);
}

adze_error *
adze_table_ports (const adze_table_owner *owner, const adze_port *rows, uint32_t stride,
                  adze_manifest_component *into)
{
  if (!rows)
    return NULL;
  ADZE_TRY (check_stride (owner, "port_size", "adze_port", stride,
                          ADZE_SIZE_THROUGH (adze_port, help)));
  size_t count = 0;
  ADZE_TRY (count_ports (owner, rows, stride, &count));
  if (count == 0)
    return adze_refusal_facts (
        adze_table_refusal (owner, ADZE_E_CONTRACT, "has a table of ports with nothing in it"),
        "at least one port", "none", "leave .ports out for the usual ones");
  into->ports = calloc (count, sizeof *into->ports);
  if (!into->ports)
    return adze_error_memory ();
  into->port_count = count;
  for (size_t i = 0; i < count; i++) {
    adze_port row;
    read_row (&row, sizeof row, rows, stride, i);
    if (!copy_port (&row, &into->ports[i]))
      return adze_error_memory ();
  }
  return NULL;
}
