/** Coded errors of the test bed. */
import { defineErrors } from '#contract/error.ts';

export const clusterError = defineErrors({
  E_CLUSTER_USAGE: {
    message: '{detail}; see `npm run cluster -- --help`',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLUSTER_PLATFORM: {
    message: 'the test bed runs on 64-bit Linux; this is {platform}',
    fixer: 'user',
    exit: 'device',
  },
  E_CLUSTER_NO_GO: {
    message:
      'the test bed builds Kubernetes from Go modules, and there is no `go` on the PATH: install Go {wanted} or newer',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_OLD_GO: {
    message: 'the test bed needs Go {wanted} or newer; the PATH has {found}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_NOT_ROOT: {
    message:
      'the test bed needs root for its namespaces and its kubelet{missing}; as root: `npm test` or `npm run cluster -- up`',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_PACKAGES: {
    message:
      'these Debian packages are missing: {packages}; install them by: apt-get update && apt-get install --no-install-recommends {packages}{detail}',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_BUILD: {
    message: '{binary} does not build: {tail}',
    fixer: 'developer',
    exit: 'internal',
  },
  E_CLUSTER_COMMAND: {
    message: '`{command}` failed with {status}: {tail}',
    fixer: 'developer',
    exit: 'internal',
  },
  E_CLUSTER_COMPONENT: {
    message: '{component} ended while the cluster started; the end of {log}: {tail}',
    fixer: 'developer',
    exit: 'internal',
  },
  E_CLUSTER_NOT_READY: {
    message: 'waited {seconds} s for {what}; last seen: {seen}; logs are in {folder}',
    fixer: 'developer',
    exit: 'device',
  },
  E_CLUSTER_DOWN: {
    message: 'no cluster named {name} is up; start it by `npm run cluster -- up --name {name}`',
    fixer: 'user',
    exit: 'usage',
  },
  E_CLUSTER_FOLDER: {
    message: '{folder} is not a folder that belongs to root alone: remove it first',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_ADDRESSES: {
    message: 'no free address range among 10.90.0.0/24 … 10.90.99.0/24 for the cluster’s link',
    fixer: 'administrator',
    exit: 'device',
  },
  E_CLUSTER_LEFTOVER: {
    message: '{what} of cluster {name} is still there {seconds} s after it was stopped: {detail}',
    fixer: 'developer',
    exit: 'internal',
  },
});
