import ArgumentParser

@main struct Outreachd: ParsableCommand {}
