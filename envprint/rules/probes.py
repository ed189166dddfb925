"""What two machines were seen to compute: no forecast, a measurement on both sides.

Where nobody has probed there is nothing to say; the other rules tell what may be expected.
"""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _probes
from envprint.rules._probes import NUMERIC, TRAINING
from envprint.workload import always

_KERNELS = Evidence("Another kernel of one BLAS on one machine", measured="np.ct_Haswell")
_THREADS = Evidence("NumPy with one thread and with two", measured="np.omp1")

RULES = (
    Rule(
        id="probe-arithmetic-differs",
        title="The same arithmetic was seen to give other bits",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="Both sides computed the same operations on the same numbers, and some of the results "
        "differ in their bits: a training that uses these operations rounds differently.",
        not_when="The job uses none of the operations that differ, or uses them in sizes and types "
        "for which they agree.",
        remedy="Look at the other findings for what chooses the kernels: versions, instruction "
        "set, threads. Where nothing else is found, use the same model of processor or GPU.",
        evidence=(_KERNELS, _THREADS),
        drift=_probes.arithmetic,
    ),
    Rule(
        id="probe-random-differs",
        title="The same seed was seen to give other random numbers",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="Both sides drew from the same streams with the same seeds, and some of the numbers "
        "differ: initial weights, dropout or the order of the data are others.",
        not_when="The job does not draw from the streams that differ. Where all of them agree in "
        "their first digits the difference counts as rounding.",
        remedy="Install the same version of the framework on both sides, or draw from the streams "
        "that agree.",
        evidence=(Evidence("One key in JAX 0.4.38 and 0.5.0", measured="jax.0-5"),),
        drift=_probes.random,
    ),
    Rule(
        id="probe-does-not-repeat",
        title="This machine was seen not to repeat its own arithmetic",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(NUMERIC,),
        why="The same operation on the same numbers, in one environment, gave other bits from one "
        "process to the next, so two runs of a training that uses it differ too.",
        not_when="The job does not use the operation.",
        remedy="Ask the framework for deterministic operations, fix the number of threads, and "
        "probe again.",
        evidence=(_THREADS,),
        state=_probes.varying,
    ),
    Rule(
        id="probe-training-differs",
        title="The same small training was seen to end with other weights",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(TRAINING,),
        why="Both sides trained the same network on the same data with the same seeds and "
        "switches, and their weights differ at the end.",
        not_when="The job shares no kernels with the small network. Where losses are within 1 % "
        "after the first epoch the difference counts as rounding.",
        remedy="Look at the other findings for what differs; `envprint probe` says which "
        "operations do.",
        evidence=(_KERNELS,),
        drift=_probes.training,
    ),
    Rule(
        id="probe-training-does-not-repeat",
        title="A small training was seen not to repeat itself here",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(TRAINING,),
        why="One network was trained several times with the same seeds and switches, and ended "
        "with other weights.",
        not_when="Seeds or switches were left off on purpose.",
        remedy="envprint probe training --explain finds the switches that make it repeat.",
        evidence=(_THREADS,),
        state=_probes.unrepeated,
    ),
)
