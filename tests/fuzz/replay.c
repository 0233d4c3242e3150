/* SPDX-License-Identifier: Apache-2.0 */
/* A main() for the fuzzers where there is no libFuzzer: feeds them the files of
 * tests/fuzz/corpus/FUZZ_NAME, or those named as arguments. So whatever a fuzzer once broke stays
 * mended, with any compiler. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* The bytes are in a block of exactly their size, so that sanitizers and valgrind see a reader
 * that goes one too far. */
static int
replay_file (const char *path)
{
  FILE *file = fopen (path, "rb");
  long size = -1;
  if (file && fseek (file, 0, SEEK_END) == 0)
    size = ftell (file);
  uint8_t *data = size < 0 ? NULL : malloc (size ? (size_t)size : 1);
  int failed = !data || fseek (file, 0, SEEK_SET) != 0
               || fread (data, 1, (size_t)size, file) != (size_t)size;
  if (failed)
    fprintf (stderr, "%s: cannot be read: %s\n", path, strerror (errno));
  else {
    printf ("%s: %ld bytes\n", path, size);
    fflush (stdout); /* the last line names the file that broke something */
    LLVMFuzzerTestOneInput (data, (size_t)size);
  }
  free (data);
  if (file)
    fclose (file);
  return failed;
}

static int
replay_corpus (const char *folder)
{
  DIR *entries = opendir (folder);
  if (!entries) {
    fprintf (stderr, "%s: cannot be opened: %s; each fuzzer needs at least one file there\n",
             folder, strerror (errno));
    return 1;
  }
  int failed = 0;
  for (struct dirent *entry; (entry = readdir (entries));) {
    char path[4096];
    if (entry->d_name[0] == '.')
      continue;
    int length = snprintf (path, sizeof path, "%s/%s", folder, entry->d_name);
    failed |= length < 0 || (size_t)length >= sizeof path || replay_file (path);
  }
  closedir (entries);
  return failed;
}

int
main (int argc, char **argv)
{
  int failed = 0;
  LLVMFuzzerTestOneInput ((const uint8_t *)"", 0);
  for (int i = 1; i < argc; i++)
    failed |= replay_file (argv[i]);
  if (argc > 1)
    return failed;

  const char *sources = getenv ("TOP_SRCDIR");
  char folder[4096];
  snprintf (folder, sizeof folder, "%s/tests/fuzz/corpus/%s", sources ? sources : ".", FUZZ_NAME);
  return replay_corpus (folder);
}
