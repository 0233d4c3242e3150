/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/call.h: calling a function whose type is known only at run time. Private to the
 * foreign_*.c files.
 *
 * What a call needs is worked out once, at bind: the call interface, the arguments that never
 * change, and one short step for each of the others. A call copies the fixed ones, takes the
 * steps, and jumps.
 */
#ifndef ADZE_PLUGIN_FOREIGN_CALL_H
#define ADZE_PLUGIN_FOREIGN_CALL_H

#include <ffi.h>

#include "plugin/foreign/foreign.h"
#include "plugin/foreign/table.h"

/* An argument as the function's own type has it: libffi reads as many bytes as that takes. */
typedef union adze_foreign_value {
  int8_t int8;
  int16_t int16;
  int32_t int32;
  int64_t int64;
  float real32;
  double real64;
  void *pointer;
} adze_foreign_value;

/* How one argument is made from its source. */
typedef enum adze_foreign_how {
  ADZE_FOREIGN_WORD = 0, /* 64 bits as they are: pointers, int64 */
  ADZE_FOREIGN_INT32,    /* the common narrow one */
  ADZE_FOREIGN_INTEGER,  /* any other whole number, and all that are mapped */
  ADZE_FOREIGN_FLOAT,
  ADZE_FOREIGN_DOUBLE
} adze_foreign_how;

typedef struct adze_foreign_step {
  const adze_foreign_argument *argument;
  uint16_t index; /* of the argument */
  uint16_t source;
  adze_foreign_how how;
  int64_t low, high; /* of a whole number: what fits */
} adze_foreign_step;

struct adze_kernel {
  const adze_foreign_function *function;
  void *address;
  bool direct; /* its type is the contract's */
  ffi_cif interface;
  ffi_type *types[ADZE_FOREIGN_ARGUMENTS]; /* the interface points here */
  adze_foreign_value fixed[ADZE_FOREIGN_ARGUMENTS];
  adze_foreign_step steps[ADZE_FOREIGN_ARGUMENTS];
  size_t step_count;
};

/* The kernel stays where it is from now on. */
ADZE_MUST_CHECK adze_error *adze_kernel_prepare (const adze_foreign_function *function,
                                                 void *address, adze_kernel *kernel);

/* All arguments, of which there are ADZE_FOREIGN_ARGUMENTS at most, from SLOTS, in which every
 * source has its place. Fails when one does not fit its type. */
ADZE_MUST_CHECK adze_error *adze_kernel_place (const adze_kernel *kernel, const adze_slot *slots,
                                               adze_foreign_value *values);

/* Place, call, and judge the return value or the status. *REAL (may be NULL) is what a function
 * that returns a float or double returned. */
ADZE_MUST_CHECK adze_error *adze_kernel_call (const adze_kernel *kernel, const adze_slot *slots,
                                              double *real);

/* For a map: output[i] = f (input[i]) from FIRST up to LAST, VALUES being placed. */
void adze_kernel_map (const adze_kernel *kernel, const adze_foreign_value *values,
                      const void *input, void *output, size_t first, size_t last);

/* ---- What a manifest became. */

struct adze_foreign_technique {
  const adze_kernel *kernel;
};

/* A backend: the kernels of each element type, NULL where there is none. */
typedef struct adze_foreign_kernels {
  const adze_kernel *gemm, *gemv, *dot;
} adze_foreign_kernels;

struct adze_foreign_backend {
  const adze_foreign *foreign;
  adze_foreign_kernels single, twice; /* float, double */
};

struct adze_foreign {
  char *path; /* the manifest's */
  char **libraries; /* files that its functions lie in: each once, that of the first function first */
  size_t library_count;
  adze_foreign_table *table;
  adze_kernel *kernels;               /* one a function of the table */
  adze_foreign_technique *techniques; /* likewise; unused for a contract */
  adze_foreign_backend backend;
  /* Of the library's functions about itself, those that it has. */
  const adze_foreign_threads *threads; /* NULL: it cannot be told how many to use */
  void *threads_set, *threads_get;
  void *configuration; /* NULL: it says nothing */
};

/* about.c: finds the functions about itself that HANDLE's library has. */
void adze_foreign_about_bind (adze_foreign *foreign, void *handle);

/* Fills in the slots of the parameters. Fails when one does not fit the function's argument. */
ADZE_MUST_CHECK adze_error *adze_foreign_technique_slots (const adze_foreign_technique *technique,
                                                          const adze_params *params,
                                                          adze_slot *slots);
/* Through a whole tensor of COUNT elements, at least one. HOST may be NULL: then on this thread
 * alone. */
ADZE_MUST_CHECK adze_error *adze_foreign_technique_run (const adze_foreign_technique *technique,
                                                        const adze_host *host,
                                                        const adze_slot *slots,
                                                        const void *input, void *output,
                                                        size_t count);

#endif
