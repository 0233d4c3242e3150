/* SPDX-License-Identifier: Apache-2.0 */
/* Is standard input one JSON document? With keys and indices as arguments: prints what is there. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static const json_t *
step (const json_t *at, const char *key)
{
  return json_is_array (at) ? json_array_get (at, (size_t)atol (key)) : json_object_get (at, key);
}

/* A string bare, a list as its length, all else as JSON. */
static int
print (const json_t *value)
{
  if (!value) {
    puts ("nothing");
    return 0;
  }
  if (json_is_string (value))
    return puts (json_string_value (value)) < 0;
  if (json_is_array (value))
    return printf ("%zu\n", json_array_size (value)) < 0;
  return json_dumpf (value, stdout, JSON_ENCODE_ANY | JSON_COMPACT) != 0;
}

int
main (int argc, char **argv)
{
  json_error_t error;
  json_t *document = json_loadf (stdin, JSON_REJECT_DUPLICATES, &error);
  const json_t *at = document;
  if (!document) {
    fprintf (stderr, "%d:%d: %s\n", error.line, error.column, error.text);
    return 1;
  }
  for (int i = 1; i < argc; i++)
    at = step (at, argv[i]);
  int failed = argc > 1 ? print (at) : 0;
  json_decref (document);
  return failed;
}
