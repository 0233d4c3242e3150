/* SPDX-License-Identifier: Apache-2.0 */
/* A host of a few lines, for tests of single plugins: it hands over parameters, keeps the reason of
 * a failure, and notes which output was asked for. fake-work.h adds models and pieces. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

typedef struct fake_value {
  const char *name;
  const char *text;
  int64_t integer; /* and bool */
  double real;
  const adze_params *entries; /* of a map */
  bool given;                 /* somebody said so */
} fake_value;

struct adze_params {
  const fake_value *values; /* ended by a NULL name */
};

struct adze_call {
  int32_t rank; /* of the output; -1: none was asked for */
  int64_t shape[4];
  struct fake_piece *piece; /* fake-work.h */
};

static char fake_reason[1024];
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;

/* Services of a test that has more of them. */
static const void *(*fake_more_services) (const char *id);

static const fake_value *
fake_find (const adze_params *params, const char *name)
{
  for (const fake_value *value = params->values; value->name; value++)
    if (strcmp (value->name, name) == 0)
      return value;
  fail_msg ("there is no value for '%s'", name);
  return NULL;
}

static int64_t
fake_int (const adze_params *params, const char *name)
{
  return fake_find (params, name)->integer;
}

static bool
fake_bool (const adze_params *params, const char *name)
{
  return fake_find (params, name)->integer != 0;
}

static double
fake_float (const adze_params *params, const char *name)
{
  return fake_find (params, name)->real;
}

static const adze_params *
fake_nested (const adze_params *params, const char *name)
{
  return fake_find (params, name)->entries;
}

static size_t
fake_count (const adze_params *params)
{
  size_t count = 0;
  while (params->values[count].name)
    count++;
  return count;
}

static const char *
fake_name_at (const adze_params *params, size_t index)
{
  return index < fake_count (params) ? params->values[index].name : NULL;
}

static bool
fake_is_given (const adze_params *params, const char *name)
{
  return fake_find (params, name)->given;
}

static const char *
fake_string (const adze_params *params, const char *name)
{
  return fake_find (params, name)->text;
}

static void
fake_push (const adze_host *host, adze_status status, const char *message)
{
  (void)host;
  (void)status;
  pthread_mutex_lock (&fake_lock);
  snprintf (fake_reason, sizeof fake_reason, "%s", message);
  pthread_mutex_unlock (&fake_lock);
}

static adze_status
fake_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
             const int64_t *shape, adze_view *out)
{
  (void)host;
  (void)dtype;
  assert_in_range (rank, 0, 4);
  call->rank = rank;
  memcpy (call->shape, shape, (size_t)rank * sizeof *shape);
  memset (out, 0, sizeof *out);
  return ADZE_OK;
}

static const void *
fake_service (const adze_host *host, const char *id)
{
  static const adze_params_service params
      = { .struct_size = sizeof params, .get_bool = fake_bool, .get_int = fake_int,
          .get_float = fake_float, .get_string = fake_string, .get_nested = fake_nested,
          .count = fake_count, .name_at = fake_name_at, .is_given = fake_is_given };
  static const adze_error_service error = { .struct_size = sizeof error, .push = fake_push };
  static const adze_call_service call = { .struct_size = sizeof call, .output = fake_output };
  (void)host;
  const void *more = fake_more_services ? fake_more_services (id) : NULL;
  if (more)
    return more;
  if (strcmp (id, ADZE_PARAMS) == 0)
    return &params;
  if (strcmp (id, ADZE_ERROR) == 0)
    return &error;
  return strcmp (id, ADZE_CALL) == 0 ? &call : NULL;
}

static void *
fake_allocate (const adze_host *host, size_t size)
{
  (void)host;
  return calloc (1, size);
}

static void
fake_release (const adze_host *host, void *memory)
{
  (void)host;
  free (memory);
}

static const adze_host fake_host = {
  .struct_size = sizeof fake_host,
  .abi_major = ADZE_ABI_MAJOR,
  .abi_minor = ADZE_ABI_MINOR,
  .name = "fake",
  .version = "0",
  .service = fake_service,
  .allocate = fake_allocate,
  .release = fake_release,
};

#endif
