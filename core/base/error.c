/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.c: the chain of an error and its facts. How it is shown: base/error_text.c. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct fact {
  char *name;
  char *value;
} fact;

struct adze_error {
  adze_status status;
  char *message;
  adze_error *cause;
  fact *facts;
  size_t fact_count;
  adze_error **parts; /* none has both a cause and parts */
  size_t part_count;
};

/* What stands for every error that there was no memory to build. It is never written to and never
 * freed, so that any number of threads and chains may hold it. */
static char out_of_memory_message[] = "out of memory";
static adze_error out_of_memory = { .status = ADZE_E_MEMORY, .message = out_of_memory_message };

char *
adze_text_vformat (const char *format, va_list arguments)
{
  va_list again;
  va_copy (again, arguments);
  int length = vsnprintf (NULL, 0, format, again);
  va_end (again);
  if (length < 0)
    return NULL;
  char *text = malloc ((size_t)length + 1);
  if (text)
    vsnprintf (text, (size_t)length + 1, format, arguments);
  return text;
}

/* Takes MESSAGE and CAUSE over; a MESSAGE of NULL is one that memory did not suffice for. */
static adze_error *
make (adze_status status, char *message, adze_error *cause)
{
  adze_error *error = message ? calloc (1, sizeof *error) : NULL;
  if (!error) {
    free (message);
    adze_error_free (cause);
    return &out_of_memory;
  }
  error->status = status;
  error->message = message;
  error->cause = cause;
  return error;
}

adze_error *
adze_error_new (adze_status status, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *message = adze_text_vformat (format, arguments);
  va_end (arguments);
  return make (status, message, NULL);
}

adze_error *
adze_error_wrap (adze_error *cause, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *message = adze_text_vformat (format, arguments);
  va_end (arguments);
  return make (cause ? cause->status : ADZE_E_INTERNAL, message, cause);
}

adze_error *
adze_error_sum (adze_error **parts, size_t count, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *message = adze_text_vformat (format, arguments);
  va_end (arguments);
  adze_error *error = make (adze_error_status (parts[0]), message, NULL);
  adze_error **list = error == &out_of_memory ? NULL : calloc (count, sizeof *list);
  for (size_t i = 0; i < count; i++)
    if (list)
      list[i] = parts[i];
    else
      adze_error_free (parts[i]);
  if (!list) {
    adze_error_free (error);
    return &out_of_memory;
  }
  error->parts = list;
  error->part_count = count;
  return error;
}

static adze_status
status_of_errno (int number)
{
  switch (number) {
  case ENOENT:
  case ENOTDIR:
    return ADZE_E_NOT_FOUND;
  case ENOMEM:
    return ADZE_E_MEMORY;
  case ETIMEDOUT:
    return ADZE_E_TIMEOUT;
  case ENOSYS:
  case EOPNOTSUPP:
    return ADZE_E_UNSUPPORTED;
  default:
    return ADZE_E_IO;
  }
}

adze_error *
adze_error_errno (const char *format, ...)
{
  int number = errno;
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *what = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!what)
    return &out_of_memory;
  /* %m rather than strerror, which is not safe among threads. It reads errno. */
  errno = number;
  return adze_error_new (status_of_errno (number), "%s: %m", what);
}

adze_error *
adze_error_memory (void)
{
  return &out_of_memory;
}

void
adze_error_free (adze_error *error)
{
  while (error && error != &out_of_memory) {
    adze_error *cause = error->cause;
    for (size_t i = 0; i < error->fact_count; i++) {
      free (error->facts[i].name);
      free (error->facts[i].value);
    }
    for (size_t i = 0; i < error->part_count; i++)
      adze_error_free (error->parts[i]);
    free (error->parts);
    free (error->facts);
    free (error->message);
    free (error);
    error = cause;
  }
}

/* ---- Facts. */

static fact *
find_fact (const adze_error *error, const char *name)
{
  for (size_t i = 0; i < error->fact_count; i++)
    if (strcmp (error->facts[i].name, name) == 0)
      return &error->facts[i];
  return NULL;
}

void
adze_error_set (adze_error *error, const char *name, const char *value)
{
  if (!error || error == &out_of_memory || !value)
    return;
  ADZE_AUTO_FREE char *copy = strdup (value);
  if (!copy)
    return;
  fact *known = find_fact (error, name);
  if (known) {
    free (known->value);
    known->value = adze_take (&copy);
    return;
  }
  ADZE_AUTO_FREE char *name_copy = strdup (name);
  fact *grown = name_copy ? realloc (error->facts, (error->fact_count + 1) * sizeof *grown) : NULL;
  if (!grown)
    return;
  error->facts = grown;
  grown[error->fact_count++] = (fact){ adze_take (&name_copy), adze_take (&copy) };
}

void
adze_error_setf (adze_error *error, const char *name, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *value = adze_text_vformat (format, arguments);
  va_end (arguments);
  adze_error_set (error, name, value);
}

bool
adze_error_fact_at (const adze_error *error, size_t index, const char **name, const char **value)
{
  if (!error || index >= error->fact_count)
    return false;
  *name = error->facts[index].name;
  *value = error->facts[index].value;
  return true;
}

const char *
adze_error_fact (const adze_error *error, const char *name)
{
  for (; error; error = error->cause ? error->cause : adze_error_part (error, 0)) {
    const fact *known = find_fact (error, name);
    if (known)
      return known->value;
  }
  return NULL;
}

/* ---- Reading the chain. */

adze_status
adze_error_status (const adze_error *error)
{
  return error ? error->status : ADZE_OK;
}

const char *
adze_error_message (const adze_error *error)
{
  return error ? error->message : "no error";
}

const adze_error *
adze_error_cause (const adze_error *error)
{
  return error ? error->cause : NULL;
}

const adze_error *
adze_error_part (const adze_error *error, size_t index)
{
  return error && index < error->part_count ? error->parts[index] : NULL;
}

/* False without memory. */
static bool
copy_parts (adze_error *to, const adze_error *from)
{
  to->parts = calloc (from->part_count, sizeof *to->parts);
  for (size_t i = 0; to->parts && i < from->part_count; i++)
    to->parts[to->part_count++] = adze_error_copy (from->parts[i]);
  return to->parts != NULL;
}

adze_error *
adze_error_copy (const adze_error *error)
{
  adze_error *first = NULL;
  adze_error **slot = &first;
  for (; error; error = error->cause) {
    adze_error *link = error == &out_of_memory
                           ? &out_of_memory
                           : make (error->status, strdup (error->message), NULL);
    *slot = link;
    if (link == &out_of_memory)
      break;
    for (size_t i = 0; i < error->fact_count; i++)
      adze_error_set (link, error->facts[i].name, error->facts[i].value);
    if (error->part_count > 0 && !copy_parts (link, error)) {
      adze_error_free (link);
      *slot = &out_of_memory;
      break;
    }
    slot = &link->cause;
  }
  return first;
}
