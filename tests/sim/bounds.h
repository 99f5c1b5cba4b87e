#pragma once

// How large a simulated world is, and its times.

#define SIM_TENANT "acme" // the others are of the default one

enum {
    SIM_CLIENTS = 4, // the last one is SIM_TENANT's, as is the last worker before the notifier
    SIM_GATEWAY = 0, // of the clients
    SIM_NOTIFIER = 4,
    SIM_WORKERS = 5, // with the notifier
    SIM_PEERS = 512, // numbers given to connections over one run
    SIM_JOBS = 4096, // numbers of jobs over one run
    SIM_PACKETS = 4096,
    SIM_INTENTS = 400,
    SIM_STATES = SIM_INTENTS * 8, // jobs, deliveries too
    SIM_ACTS = 400,
    SIM_SCHEDULES = 4,
    SIM_OPERATES = 16, // asked for over one run, their ends too
    SIM_OPERATIONS = 4,
    SIM_ENDPOINTS = 6, // known at once
    SIM_TELLINGS = 2048,
    SIM_ENTRIES = 1 << 16,
    SIM_UNIQUES = 3,
    SIM_QUEUES = 16,
    SIM_TYPES = 8,
    SIM_OWNERS = 2048,
    SIM_TYPE_SETS = 512,
    SIM_PARENTS = 3,
    SIM_ATOMIC = 8,
    SIM_BATCHES = 64,
    SIM_SIMULATE_MS = 300, // a worker is waited for about a dry run
    SIM_SIMULATIONS = 2,   // dry runs at once at a worker
    SIM_SEAL_MS = 1500,
    SIM_STEP_MS = 1500, // what may pass between two turns of the broker
    SIM_EVENTS = 1 << 16,
    SIM_STEPS = 1200, // with faults
    SIM_KEEP_S = 5,
    SIM_WINDOW_S = 20,
    SIM_LEASE_MS = 1000,
    SIM_RENEW_MS = 200,
    SIM_GRACE_MS = 300,
    SIM_HEALED_MS = 400 * 1000, // liveness: after the faults everything ends within this
};
