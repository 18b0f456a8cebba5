"""What is wrong with the archive's database, what to do about it, and how it stands. Reads only."""

from archive.doctor.finding import Finding, Level
from archive.doctor.report import Report, examine

__all__ = ["Finding", "Level", "Report", "examine"]
