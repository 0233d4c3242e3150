/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/table.h: a [foreign] table, read and checked. Private to the foreign_*.c files.
 *
 * The table's strings and values stay where the manifest has them, so a table must not outlive
 * its manifest.
 */
#ifndef ADZE_PLUGIN_FOREIGN_TABLE_H
#define ADZE_PLUGIN_FOREIGN_TABLE_H

#include "plugin/manifest/params.h"

/* ---- C types, as this machine's ABI has them. */

typedef enum adze_c_sort {
  ADZE_C_VOID = 0,
  ADZE_C_INTEGER,
  ADZE_C_REAL,
  ADZE_C_POINTER
} adze_c_sort;

typedef struct adze_c_type {
  const char *name;
  adze_c_sort sort;
  bool is_signed;
  size_t size;
} adze_c_type;

/* NULL: no such name. */
const adze_c_type *adze_c_type_find (const char *name);
const char *adze_c_type_nearest (const char *name);
/* Are two names for the same thing in this ABI? */
bool adze_c_type_same (const adze_c_type *a, const adze_c_type *b);
/* What of an int64_t fits. */
void adze_c_type_limits (const adze_c_type *type, int64_t *low, int64_t *high);

/* ---- Functions and where their arguments come from. */

typedef enum adze_foreign_shape {
  ADZE_FOREIGN_GEMM = 0, /* of a contract: a product of matrices */
  ADZE_FOREIGN_GEMV,     /* a matrix times a vector */
  ADZE_FOREIGN_AXPY,     /* a vector added to another */
  ADZE_FOREIGN_DOT,      /* a product of vectors */
  ADZE_FOREIGN_SVD,      /* singular values */
  ADZE_FOREIGN_MAP,      /* of a technique: one call an element */
  ADZE_FOREIGN_BUFFER    /* of a technique: one call a tensor */
} adze_foreign_shape;

/* One of adze/kernel.h that a library can fulfil. */
typedef struct adze_foreign_contract {
  const char *id; /* "gemm.f32" */
  adze_foreign_shape shape;
  const char *element;
  const char *returns; /* of the contract's own type */
} adze_foreign_contract;

/* NULL: none of this id. */
const adze_foreign_contract *adze_foreign_contract_find (const char *id);
/* One after the other, for messages and lists; NULL behind the last. */
const char *adze_foreign_contract_id (size_t index);

/* Something that an argument can come from, in the widest type of its sort. */
typedef union adze_slot {
  int64_t integer;
  double real;
  void *pointer;
} adze_slot;

/* What a shape offers. After these come the component's parameters, in the order of its table. */
typedef struct adze_foreign_source {
  const char *name;
  const char *type; /* NULL: the element's */
  bool mandatory;   /* a function that does not ask for it cannot do its work */
  int64_t values;   /* it is one of 0 to VALUES - 1; 0: any number */
} adze_foreign_source;

const adze_foreign_source *adze_foreign_sources (adze_foreign_shape shape, size_t *count);

/* Numbers of the sources that the host fills in by name; a contract's follow its own order. */
enum { ADZE_SOURCE_X = 0 };
enum { ADZE_SOURCE_DATA = 0, ADZE_SOURCE_OUTPUT, ADZE_SOURCE_COUNT };

/* The place of WORD among "a|b|c", which is what a choice is as a number; -1: none of them. */
int64_t adze_foreign_choice (const char *choices, const char *word);

#define ADZE_FOREIGN_FIXED UINT32_MAX
#define ADZE_FOREIGN_ARGUMENTS 32
#define ADZE_FOREIGN_SLOTS (16 + ADZE_PARAM_MAX)

typedef struct adze_foreign_pair {
  int64_t from, to;
} adze_foreign_pair;

typedef struct adze_foreign_argument {
  const adze_c_type *type;
  uint32_t source; /* ADZE_FOREIGN_FIXED: the same at each call */
  adze_slot fixed;
  adze_foreign_pair *map; /* NULL: handed over as it is */
  size_t map_count;
  bool by_reference; /* the function is given the address of the number, as Fortran does */
  bool is_status;    /* the function leaves there what `success` is about */
} adze_foreign_argument;

typedef struct adze_foreign_function {
  const char *symbol;
  adze_foreign_shape shape;
  const adze_foreign_contract *contract;    /* NULL: it is a technique */
  const adze_manifest_component *component; /* the technique; NULL: it fulfils a contract */
  const adze_c_type *element;               /* float or double */
  const adze_c_type *returns;
  bool has_success;
  int64_t success; /* every other return value or status is a failure */
  adze_foreign_argument *arguments;
  size_t argument_count;
} adze_foreign_function;

/* "gemm.f32", or the component's id. */
const char *adze_foreign_function_name (const adze_foreign_function *function);
/* "m", "param.slope": into TEXT, which has room for 80. */
const char *adze_foreign_source_name (const adze_foreign_function *function, uint32_t source,
                                      char *text);

/* ---- Libraries, and what is expected of the functions. */

typedef struct adze_foreign_library {
  const char *soname; /* or an absolute path */
  const char *versions;
  const char *version_from;   /* "soname" or "file"; NULL: see version_symbol */
  const char *version_symbol; /* a function () -> string */
} adze_foreign_library;

/* What a kernel is tried with; each contract has some of these (vectors_kernel.c). */
typedef struct adze_foreign_case {
  int64_t transpose_a, transpose_b;
  int64_t m, n, k;
  int64_t pad_a, pad_b, pad_c, pad_u, pad_v; /* how much longer than necessary a row is */
  int64_t incx, incy;
  double alpha, beta;
} adze_foreign_case;

typedef struct adze_foreign_vector {
  size_t function;
  uint32_t line; /* 0: unknown */
  double tolerance;
  adze_foreign_case kernel; /* of a contract */
  const adze_value *params; /* of a technique; NULL: all presets */
  double *input;
  double *expected;
  size_t count;
} adze_foreign_vector;

/* A pair of functions of a library that can be told how many threads to use. */
typedef struct adze_foreign_threads {
  const char *set; /* void (TYPE) */
  const char *get; /* TYPE (void) */
  const adze_c_type *type;
} adze_foreign_threads;

typedef struct adze_foreign_table {
  const char *hint; /* how to come by the library; NULL: nothing said */
  adze_foreign_library *libraries;
  size_t library_count;
  adze_foreign_function *functions;
  size_t function_count;
  adze_foreign_vector *vectors;
  size_t vector_count;
  const adze_manifest_component *backend; /* NULL: the manifest has none */
  /* With kernels: whichever of them the library has. */
  adze_foreign_threads *threads;
  size_t thread_count;
  const char **configurations; /* functions () -> string */
  size_t configuration_count;
} adze_foreign_table;

/* ---- Reading it. */

/* Where its fields are; complaints about them are adze_document_error. */
typedef struct adze_foreign_fields {
  const adze_document *document;
  const adze_value *table;
} adze_foreign_fields;

/* Is each key of the table among COUNT names? */
ADZE_MUST_CHECK adze_error *adze_foreign_names (const adze_foreign_fields *fields,
                                                const char *const *names, size_t count);
/* Absent: an error when MANDATORY, else *TEXT is NULL. */
ADZE_MUST_CHECK adze_error *adze_foreign_text (const adze_foreign_fields *fields, const char *key,
                                               bool mandatory, const char **text);
/* Absent: an error when MANDATORY, else *NUMBER is left as it is. */
ADZE_MUST_CHECK adze_error *adze_foreign_integer (const adze_foreign_fields *fields,
                                                  const char *key, bool mandatory, int64_t low,
                                                  int64_t high, int64_t *number);
/* Mandatory; an integer will do as well. */
ADZE_MUST_CHECK adze_error *adze_foreign_real (const adze_foreign_fields *fields, const char *key,
                                               double *number);
/* A list of tables with 1 to MOST entries. */
ADZE_MUST_CHECK adze_error *adze_foreign_tables (const adze_foreign_fields *fields,
                                                 const char *key, size_t most,
                                                 const adze_value **list);

/* The complaint names line and column, where the values still know them, and is a refusal of
 * step manifest. */
ADZE_MUST_CHECK adze_error *adze_foreign_table_read (const adze_document *document,
                                                     const adze_value *foreign,
                                                     const adze_manifest *manifest,
                                                     adze_foreign_table **table);
void adze_foreign_table_free (adze_foreign_table *table);

/* The part of it that reads the `arguments` of a function whose shape, component and element are
 * known. */
ADZE_MUST_CHECK adze_error *adze_foreign_arguments_read (const adze_foreign_fields *fields,
                                                         adze_foreign_function *function);

/* The part of it that finds the backend, and reads what only kernels have: `threads` and
 * `configuration`. */
ADZE_MUST_CHECK adze_error *adze_foreign_backend_read (const adze_foreign_fields *foreign,
                                                       const adze_manifest *manifest,
                                                       adze_foreign_table *table);

/* The part of it that reads the [[foreign.test]] tables and judges whether they say enough. */
ADZE_MUST_CHECK adze_error *adze_foreign_vectors_read (const adze_document *document,
                                                       const adze_value *foreign,
                                                       adze_foreign_table *table);
/* One of a contract. */
ADZE_MUST_CHECK adze_error *adze_foreign_case_read (const adze_foreign_fields *fields,
                                                    const adze_foreign_function *function,
                                                    adze_foreign_vector *vector);
/* What the tests of a contract's function do not show: into LACKS, in words. */
void adze_foreign_case_lacks (const adze_foreign_table *table, size_t function,
                              adze_buffer *lacks);

/* ---- Versions: "1.2.3", missing parts are 0. */

typedef struct adze_foreign_version {
  uint32_t part[4];
} adze_foreign_version;

/* The first number in TEXT; false when there is none. */
bool adze_foreign_version_parse (const char *text, adze_foreign_version *version);
/* RANGE is ">= 3, < 4". False when it is not a range; *WITHIN may be NULL. */
bool adze_foreign_version_within (const char *range, const adze_foreign_version *version,
                                  bool *within);

/* ---- The library itself. */

/* Through the system's search, as any program that links to it would find it. Stays in the
 * process. *PATH is the file that it was found at. The error has the dynamic linker's words. */
ADZE_MUST_CHECK adze_error *adze_foreign_library_open (const adze_foreign_library *library,
                                                       void **handle, char **path);
/* Is it one of the versions that the manifest was written for? */
ADZE_MUST_CHECK adze_error *adze_foreign_library_judge (const adze_foreign_library *library,
                                                        void *handle, const char *path);
ADZE_MUST_CHECK adze_error *adze_foreign_library_symbol (void *handle, const char *path,
                                                         const char *symbol, void **address);
/* As hexadecimal digits, of the file that ADDRESS lies in; "" where it has none. */
#define ADZE_BUILD_ID_TEXT 65
void adze_foreign_build_id (const void *address, char text[ADZE_BUILD_ID_TEXT]);
/* The file that ADDRESS lies in, or a copy of PATH where that cannot be told. NULL without
 * memory. */
char *adze_foreign_library_of (const void *address, const char *path);

#endif
