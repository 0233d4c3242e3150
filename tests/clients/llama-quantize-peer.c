/* SPDX-License-Identifier: Apache-2.0 */
/* llama-quantize-peer FOLDER IN OUT FILE_TYPE THREADS [IMATRIX [NAME]]: has llama.cpp's library in FOLDER quantise
 * the GGUF file IN to the file type with that number, with the importance that llama-quantize would take from
 * IMATRIX, called NAME in the file that is written; and tells the processor's seconds. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As llama.h 0.5 has them. */
typedef struct importance {
  const char *name;
  const float *values;
  size_t count;
} importance;

typedef struct value {
  int type; /* 0: a whole number, 3: a text */
  char key[128];
  union {
    int64_t number;
    char text[128];
  } is;
} value;

typedef struct settings {
  int32_t threads;
  int file_type;
  int output_type, embedding_type;
  bool requantise, output, copy, pure, keep_split, dry;
  const importance *importance;
  const value *values;
  const void *types;
  const int32_t *pruned;
} settings;

enum { ENTRIES_MOST = 4096, Q8_0 = 7 };

typedef struct matrix {
  importance entries[ENTRIES_MOST];
  size_t count;
  int64_t chunks;
  char data[128];
} matrix;

static void
stop (const char *what, const char *with)
{
  fprintf (stderr, "llama-quantize-peer: %s: %s\n", what, with);
  exit (1);
}

static void *
open_library (const char *folder, const char *name)
{
  char path[4096];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  void *library = dlopen (path, RTLD_NOW | RTLD_GLOBAL);
  if (!library)
    stop (path, dlerror ());
  return library;
}

static void *
symbol (void *library, const char *name)
{
  void *found = dlsym (library, name);
  if (!found)
    stop (name, "the library has no such function");
  return found;
}

static float *
add (matrix *m, const char *name, size_t count)
{
  float *values = malloc (count * sizeof *values + 1);
  if (m->count == ENTRIES_MOST - 1 || !values)
    stop (name, "there is no room for it");
  m->entries[m->count++] = (importance){ strdup (name), values, count };
  return values;
}

/* ---- The old form. */

static int32_t
read_i32 (FILE *file)
{
  int32_t number;
  if (fread (&number, sizeof number, 1, file) != 1)
    stop ("the importance matrix", "it is cut off");
  return number;
}

static void
read_old (FILE *file, matrix *m)
{
  for (int32_t i = read_i32 (file); i > 0; i--) {
    char name[256] = "";
    int32_t length = read_i32 (file);
    if (length < 0 || length > 255 || fread (name, (size_t)length, 1, file) != 1)
      stop ("the importance matrix", "a name is cut off");
    int32_t calls = read_i32 (file), count = read_i32 (file);
    float *values = add (m, name, (size_t)count);
    if (fread (values, sizeof *values, (size_t)count, file) != (size_t)count)
      stop (name, "its values are cut off");
    for (int32_t k = 0; calls > 0 && k < count; k++)
      values[k] /= (float)calls;
  }
  m->chunks = read_i32 (file);
  int32_t length = read_i32 (file);
  if (length < 0 || length > 127 || fread (m->data, (size_t)length, 1, file) != 1)
    stop ("the importance matrix", "the name of its data is cut off");
}

/* ---- The form in GGUF, which ggml's own functions read. */

typedef struct gguf_settings {
  bool without_data;
  void **context;
} gguf_settings;

typedef struct reader {
  void *library, *gguf, *context;
} reader;

static int64_t
key_of (const reader *r, const char *name)
{
  int64_t (*find) (const void *, const char *);
  *(void **)&find = symbol (r->library, "gguf_find_key");
  int64_t found = find (r->gguf, name);
  if (found < 0)
    stop (name, "the importance matrix has no such value");
  return found;
}

static const float *
numbers_of (const reader *r, const char *name, int64_t *count)
{
  void *(*get) (void *, const char *);
  const void *(*data) (const void *);
  int64_t (*elements) (const void *);
  *(void **)&get = symbol (r->library, "ggml_get_tensor");
  *(void **)&data = symbol (r->library, "ggml_get_data");
  *(void **)&elements = symbol (r->library, "ggml_nelements");
  void *tensor = get (r->context, name);
  if (!tensor)
    stop (name, "the importance matrix has no such tensor");
  *count = elements (tensor);
  return data (tensor);
}

static void
read_entry (const reader *r, const char *sums_name, matrix *m)
{
  char name[256], other[300];
  int64_t count = 0, groups = 0;
  snprintf (name, sizeof name, "%.*s", (int)(strlen (sums_name) - strlen (".in_sum2")), sums_name);
  snprintf (other, sizeof other, "%s.counts", name);
  const float *sums = numbers_of (r, sums_name, &count), *calls = numbers_of (r, other, &groups);
  float *values = add (m, name, (size_t)count);
  for (int64_t i = 0; i < count; i++) {
    float of = (float)lroundf (calls[i / (count / groups)]);
    values[i] = of > 0 ? sums[i] / of : 1;
  }
}

static void
read_new (void *library, const char *path, matrix *m)
{
  reader r = { .library = library };
  void *(*open) (const char *, gguf_settings);
  int64_t (*count) (const void *);
  const char *(*name) (const void *, int64_t);
  uint32_t (*number) (const void *, int64_t);
  const char *(*text) (const void *, int64_t, size_t);
  *(void **)&open = symbol (library, "gguf_init_from_file");
  *(void **)&count = symbol (library, "gguf_get_n_tensors");
  *(void **)&name = symbol (library, "gguf_get_tensor_name");
  *(void **)&number = symbol (library, "gguf_get_val_u32");
  *(void **)&text = symbol (library, "gguf_get_arr_str");
  r.gguf = open (path, (gguf_settings){ false, &r.context });
  if (!r.gguf)
    stop (path, "ggml cannot read it");
  for (int64_t i = 0; i < count (r.gguf); i++) {
    const char *end = strstr (name (r.gguf, i), ".in_sum2");
    if (end)
      read_entry (&r, name (r.gguf, i), m);
  }
  m->chunks = number (r.gguf, key_of (&r, "imatrix.chunk_count"));
  snprintf (m->data, sizeof m->data, "%s", text (r.gguf, key_of (&r, "imatrix.datasets"), 0));
}

static void
read_matrix (void *library, const char *path, matrix *m)
{
  char magic[4] = "";
  FILE *file = fopen (path, "rb");
  if (!file || fread (magic, 4, 1, file) != 1)
    stop (path, "cannot be read");
  rewind (file);
  if (memcmp (magic, "GGUF", 4) == 0)
    read_new (library, path, m);
  else
    read_old (file, m);
  fclose (file);
}

/* What llama-quantize says of the matrix in the file that it writes. */
static void
fill_values (const matrix *m, const char *name, value values[5])
{
  memset (values, 0, 5 * sizeof *values);
  snprintf (values[0].key, sizeof values[0].key, "quantize.imatrix.file");
  snprintf (values[1].key, sizeof values[1].key, "quantize.imatrix.dataset");
  snprintf (values[2].key, sizeof values[2].key, "quantize.imatrix.entries_count");
  snprintf (values[3].key, sizeof values[3].key, "quantize.imatrix.chunks_count");
  values[0].type = values[1].type = 3;
  snprintf (values[0].is.text, sizeof values[0].is.text, "%s", name);
  snprintf (values[1].is.text, sizeof values[1].is.text, "%s", m->data);
  values[2].is.number = (int64_t)m->count;
  values[3].is.number = m->chunks;
}

static double
seconds (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
be_quiet (int level, const char *text, void *loud)
{
  (void)level;
  if (loud)
    fputs (text, stderr);
}

int
main (int argc, char **argv)
{
  static matrix m;
  static value values[5];
  if (argc < 6)
    stop ("usage", "llama-quantize-peer FOLDER IN OUT FILE_TYPE THREADS [IMATRIX [NAME]]");
  void *base = open_library (argv[1], "libggml-base.so");
  open_library (argv[1], "libggml.v0.5.0.so");
  void *llama = open_library (argv[1], "libllama.v0.5.0.so");
  settings (*defaults) (void);
  uint32_t (*quantize) (const char *, const char *, const settings *);
  void (*listen) (void (*) (int, const char *, void *), void *);
  *(void **)&defaults = symbol (llama, "llama_model_quantize_default_params");
  *(void **)&quantize = symbol (llama, "llama_model_quantize");
  *(void **)&listen = symbol (llama, "llama_log_set");
  listen (be_quiet, getenv ("LLAMA_LOUD"));
  settings s = defaults ();
  if (s.file_type != Q8_0 || !s.output || s.importance)
    stop ("llama_model_quantize_params", "it is not laid out as this program thinks");
  s.file_type = atoi (argv[4]);
  s.threads = atoi (argv[5]);
  if (argc > 6) {
    read_matrix (base, argv[6], &m);
    fill_values (&m, argc > 7 ? argv[7] : argv[6], values);
    s.importance = m.entries;
    s.values = values;
  }
  double begin = seconds ();
  if (quantize (argv[2], argv[3], &s) != 0)
    stop (argv[2], "llama.cpp cannot quantise it (LLAMA_LOUD=1 shows why)");
  printf ("%.2f\n", seconds () - begin);
  return 0;
}
